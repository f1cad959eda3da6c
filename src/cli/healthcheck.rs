//! `keydesk healthcheck`: asks the Keydesk of this machine whether it is ready, for containers that hold nothing else that
//! could.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use super::Failure;
use crate::config::Settings;

const PATIENCE: Duration = Duration::from_secs(2);

/// # Errors
/// If it does not say that it is ready.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let mut address = settings.listen;
    if address.ip().is_unspecified() {
        let here: IpAddr = if address.is_ipv4() { [127, 0, 0, 1].into() } else { [0, 0, 0, 0, 0, 0, 0, 1].into() };
        address = SocketAddr::new(here, address.port());
    }
    let status = ask(address).map_err(|error| format!("{address} does not answer: {error}"))?;
    if status == "200" { Ok(()) } else { Err(format!("{address} is not ready: it answers {status}").into()) }
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", address.port())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(String::from_utf8_lossy(&head[9..]).into_owned())
}
