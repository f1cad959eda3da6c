//! Under systemd: the socket that it hands over is listened on, and it hears of the start, a reload and the stop.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::audit;

/// As systemd does: the socket as descriptor 3, and the number of the process that it is for.
const START: &str = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve"#;

/// Killed when it is dropped.
struct Service(Child);

impl Service {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until systemd is told this, and gives all that it was told with it.
fn told(notifications: &UnixDatagram, what: &str) -> String {
    let mut room = [0; 256];
    loop {
        let length = notifications.recv(&mut room).expect("it says something in time");
        let said = String::from_utf8_lossy(&room[..length]);
        if said.contains(what) {
            return said.into_owned();
        }
    }
}

#[test]
fn systemd_hands_over_the_socket_and_hears_how_it_goes() {
    let data = audit::folder("systemd-");
    let bell = data.path().join("notify");
    let notifications = UnixDatagram::bind(&bell).expect("a socket");
    notifications.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let command = Command::new("sh")
        .args(["-c", START, env!("CARGO_BIN_EXE_keydesk")])
        .env("KEYDESK_DATA_DIR", data.path())
        .env("NOTIFY_SOCKET", &bell)
        .env("WATCHDOG_USEC", "400000")
        .env("RUST_LOG", "warn")
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().expect("a copy"))))
        .stdout(Stdio::null())
        .spawn();
    let mut service = Service(command.expect("the binary starts"));
    // Whoever comes before it is ready waits in the queue of the port.
    let mut early = TcpStream::connect(address).expect("a connection");
    std::io::Write::write_all(&mut early, b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .expect("it is written");
    told(&notifications, "READY=1");
    let mut heard = String::new();
    early.read_to_string(&mut heard).expect("an answer");
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
    told(&notifications, "WATCHDOG=1");
    service.signal("-HUP");
    assert!(told(&notifications, "RELOADING=1").contains("MONOTONIC_USEC="));
    told(&notifications, "READY=1");
    service.signal("-TERM");
    told(&notifications, "STOPPING=1");
    assert!(service.0.wait().expect("it ends").success());
    // The port is still there, for whoever is started next.
    assert!(TcpStream::connect(address).is_ok());
}
