//! The product behind the gateway: answers 200, and remembers every request that reached it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

use crate::wire::Message;

pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone()));
            }
        });
        Self { address, seen }
    }

    /// How many requests reached it.
    pub fn count(&self) -> usize {
        self.seen.lock().expect("nobody panicked").len()
    }

    /// The request that reached it last.
    pub fn last(&self) -> Message {
        self.seen.lock().expect("nobody panicked").last().cloned().expect("a request reached the product")
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Message>>>) {
    let mut stream = BufStream::new(stream);
    while let Some(request) = Message::read(&mut stream).await {
        let mut echo = format!("{}\n{}", request.line, request.body);
        if request.line.starts_with("HEAD ") {
            echo.clear();
        }
        seen.lock().expect("nobody panicked").push(request);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nX-Request-Id: the product's own\r\nContent-Length: {}\r\n\r\n{echo}",
            echo.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
