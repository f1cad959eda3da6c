//! A desk behind a real socket of this machine: for what happens to a connection before and after its requests.

use std::net::SocketAddr;
use std::sync::Arc;

use keydesk::web::server::certificate::Certificate;
use keydesk::web::server::limits::Limits;
use keydesk::web::server::{Door, serve};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Connection, TestApp};

/// Gone, it stops.
pub struct Doorway {
    pub desk: TestApp,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl TestApp {
    /// This desk, on a free port, in the clear.
    pub async fn opens(&self, limits: Limits) -> Doorway {
        self.opens_with(limits, None).await
    }

    /// As [`Self::opens`], with TLS if there is a certificate.
    pub async fn opens_with(&self, limits: Limits, certificate: Option<Arc<Certificate>>) -> Doorway {
        let desk = self.limited(limits).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let door = Door { listener, is_inherited: false, certificate };
        let serving = serve(desk.app.clone(), door, async move { _ = stopped.await });
        Doorway { desk, address, stop: Some(stop), serving: tokio::spawn(serving) }
    }
}

impl Doorway {
    pub async fn connect(&self) -> Connection {
        Connection::over(self.stream().await)
    }

    pub async fn stream(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Tells it to stop, as SIGTERM would.
    pub fn stop(&mut self) {
        self.stop.take().expect("it is told once").send(()).expect("it listens");
    }

    /// Waits until it has stopped.
    pub async fn has_stopped(self) {
        self.serving.await.expect("it ends in peace");
    }
}
