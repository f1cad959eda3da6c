//! HTTP/1.1 byte for byte: what these tests send and see is what no library has tidied up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longer than any gateway waits for Keydesk.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where clients come from: not the gateways' address, which Keydesk trusts.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A request or an answer.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The first line.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    /// Every value under a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    /// The value under a name, which came once at most.
    pub fn one(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} came more than once: {self:?}");
        values.first().copied()
    }

    pub fn status(&self) -> u16 {
        let status = self.line.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no status: {self:?}"))
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Reads one message; nothing if the peer hung up before its first byte.
    pub async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<Self> {
        let mut message = Self::read_head(stream).await?;
        let mut body = Vec::new();
        if message.one("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&line(stream).await?, 16).expect("the size of a chunk");
                let mut chunk = vec![0; size];
                stream.read_exact(&mut chunk).await.ok()?;
                body.append(&mut chunk);
                line(stream).await?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = message.one("content-length") {
            body.resize(length.parse().expect("a length"), 0);
            stream.read_exact(&mut body).await.ok()?;
        } else if message.line.starts_with("HTTP/") && message.status() != 204 {
            stream.read_to_end(&mut body).await.ok()?;
        }
        message.body = String::from_utf8_lossy(&body).into_owned();
        Some(message)
    }

    async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<Self> {
        let mut message = Self { line: line(stream).await?, ..Self::default() };
        loop {
            let header = line(stream).await?;
            let Some((name, value)) = header.split_once(':') else { return Some(message) };
            message.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok()?;
    line.ends_with(b"\n").then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

/// One connection of a client.
pub struct Client {
    stream: BufStream<TcpStream>,
    /// Whom it believes to talk to.
    pub host: &'static str,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((CLIENT, 0).into())?;
        Ok(Self { stream: BufStream::new(socket.connect(address).await?), host: "api.example.com" })
    }

    /// Sends a request (`headers` end with a line break, or are empty) and hears the answer.
    pub async fn ask(&mut self, line: &str, headers: &str, body: &str) -> Message {
        let length = match (body.is_empty(), headers.contains("Transfer-Encoding")) {
            (true, _) | (_, true) => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let request = format!("{line} HTTP/1.1\r\nHost: {}\r\n{headers}{length}\r\n{body}", self.host);
        self.stream.write_all(request.as_bytes()).await.expect("a request can be sent");
        self.stream.flush().await.expect("a request can be sent");
        let answer = async {
            // What HEAD would have been answered has a length, and does not come.
            if line.starts_with("HEAD ") {
                Message::read_head(&mut self.stream).await
            } else {
                Message::read(&mut self.stream).await
            }
        };
        let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
        answer.unwrap_or_else(|| panic!("no answer to {line}"))
    }
}

/// One request on a connection of its own.
pub async fn ask(address: SocketAddr, line: &str, headers: &str, body: &str) -> Message {
    Client::connect(address).await.expect("a connection").ask(line, headers, body).await
}
