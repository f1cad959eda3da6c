//! The gateways: the shipped configurations, with nothing changed but the addresses and paths that their operator sets
//! too.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::sleep;

use crate::audit;
use crate::wire::Client;

/// Tries to connect, a hundredth of a second between two: longer than any start takes, also on a loaded machine.
const TRIES: u32 = 6000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    Haproxy,
    Traefik,
    Envoy,
}

/// A running gateway, stopped when dropped.
pub struct Gateway {
    process: Child,
    pub address: SocketAddr,
    home: TempDir,
}

/// A port of a loopback address that nobody else in these tests uses, so that it stays free until it is listened on.
pub fn lonely_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let host = Ipv4Addr::new(127, 99, NEXT.fetch_add(1, Ordering::Relaxed), 1);
    let listener = TcpListener::bind((host, 0)).expect("a port is free");
    listener.local_addr().expect("the listener has an address")
}

impl Gateway {
    /// Starts it before `product`, asking `keydesk`, and returns when it accepts connections.
    pub async fn start(kind: Kind, keydesk: SocketAddr, product: SocketAddr) -> Self {
        let home = audit::folder("gateway-");
        let address = lonely_address();
        let setting = Setting { home: home.path(), address, keydesk, product };
        let log = |name| File::create(home.path().join(name)).expect("a log can be made");
        let process = setting
            .command(kind)
            .current_dir(home.path())
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(log("stdout.log"))
            .stderr(log("stderr.log"))
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?} does not start: {error}"));
        // From here on a panic drops the gateway, and with it the process.
        let mut gateway = Self { process, address, home };
        for _ in 0..TRIES {
            let ended = gateway.process.try_wait().expect("the process can be looked at");
            assert!(ended.is_none(), "{kind:?} ended:\n{}", gateway.log());
            if is_ready(kind, address).await {
                return gateway;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{kind:?} does not listen:\n{}", gateway.log());
    }

    fn log(&self) -> String {
        ["stdout.log", "stderr.log"]
            .map(|name| std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default())
            .concat()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself, which is the test's to notice.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn is_ready(kind: Kind, address: SocketAddr) -> bool {
    let Ok(mut client) = Client::connect(address).await else { return false };
    // Traefik listens before it has read what to do, and says 404 until then.
    kind != Kind::Traefik || client.ask("GET /", "", "").await.status() != 404
}

/// What an operator sets.
struct Setting<'a> {
    home: &'a Path,
    address: SocketAddr,
    keydesk: SocketAddr,
    product: SocketAddr,
}

impl Setting<'_> {
    fn command(&self, kind: Kind) -> Command {
        let listen = self.address.to_string();
        match kind {
            Kind::Nginx => {
                self.install("nginx/keydesk.conf", &[("127.0.0.1:8000", &listen)]);
                // What Debian's own nginx.conf says around it. One process, so that ending it ends all of it.
                let places =
                    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|of| format!("{of}_temp_path {of};"));
                let around = format!(
                    "daemon off; master_process off; pid nginx.pid; events {{}}\n\
                     http {{ access_log access.log; {} include keydesk.conf; }}\n",
                    places.join(" ")
                );
                std::fs::write(self.home.join("nginx.conf"), around).expect("a configuration can be written");
                let mut nginx = Command::new(debian("nginx"));
                nginx.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(self.home);
                nginx
            }
            Kind::Caddy => {
                // Without TLS, for which there is no name here; and without the port for administration, which all share.
                let (host, port) = (self.address.ip(), self.address.port());
                let site = format!("{{\n\tadmin off\n}}\nhttp://api.example.com:{port} {{\n\tbind {host}");
                self.install("caddy/Caddyfile", &[("api.example.com {", &site)]);
                let mut caddy = Command::new("caddy");
                caddy.args(["run", "--config", "Caddyfile"]);
                caddy
            }
            Kind::Haproxy => {
                let script = self.install("haproxy/keydesk.lua", &[]);
                // The whole machine shares these names.
                let socket = format!("abns@keydesk-{}-{}", self.address.ip(), self.address.port());
                let places = [("127.0.0.1:8000", listen.as_str()), ("/etc/haproxy/keydesk.lua", &script)];
                self.install("haproxy/haproxy.cfg", &[places[0], places[1], ("abns@keydesk", &socket)]);
                let mut haproxy = Command::new(debian("haproxy"));
                haproxy.args(["-db", "-f", "haproxy.cfg"]);
                haproxy
            }
            Kind::Traefik => {
                let dynamic = self.install("traefik/keydesk.yaml", &[]);
                let places = [("127.0.0.1:8000", listen.as_str()), ("/etc/traefik/keydesk.yaml", &dynamic)];
                self.install("traefik/traefik.yaml", &places);
                let mut traefik = Command::new(wheel("bin/traefik"));
                traefik.arg("--configfile=traefik.yaml");
                traefik
            }
            Kind::Envoy => {
                let port = |of: SocketAddr| format!("address: {}, port_value: {}", of.ip(), of.port());
                let places = [8000, 8080, 3000].map(|port| format!("address: 127.0.0.1, port_value: {port}"));
                let set = [self.address, self.keydesk, self.product].map(port);
                let places: Vec<_> = places.iter().zip(&set).map(|(from, to)| (from.as_str(), to.as_str())).collect();
                self.install("envoy/envoy.yaml", &places);
                let mut envoy = Command::new(wheel("envoy/_bin/envoy"));
                envoy.args(["-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "2", "-l", "warn"]);
                envoy
            }
        }
    }

    /// Puts a shipped file into the gateway's folder with its places filled in, and answers its path.
    fn install(&self, file: &str, places: &[(&str, &str)]) -> String {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
        let mut text = std::fs::read_to_string(&shipped).expect("the shipped file");
        for (from, to) in places {
            assert!(text.contains(from), "{file} has no {from}");
            text = text.replace(from, to);
        }
        text = text.replace("127.0.0.1:8080", &self.keydesk.to_string());
        text = text.replace("127.0.0.1:3000", &self.product.to_string());
        let installed = self.home.join(shipped.file_name().expect("a name"));
        std::fs::write(&installed, text).expect("a configuration can be written");
        installed.to_str().expect("a path in UTF-8").to_owned()
    }
}

/// Debian keeps servers off the PATH of people.
fn debian(program: &str) -> PathBuf {
    let path = Path::new("/usr/sbin").join(program);
    if path.exists() { path } else { program.into() }
}

/// A program out of the wheels that `scripts/test` unpacks: see requirements.txt.
fn wheel(program: &str) -> PathBuf {
    let folder = std::env::var_os("KEYDESK_GATEWAYS").expect("KEYDESK_GATEWAYS says where Traefik and Envoy are");
    Path::new(&folder).join(program)
}
