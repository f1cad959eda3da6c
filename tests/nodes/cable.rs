//! The cable between a node and its database: a relay that can be cut, so that what is sent is swallowed and nobody is told.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Cable {
    is_whole: watch::Sender<bool>,
}

impl Cable {
    /// Lays it to the host and port that stand in `url`; gives the URL that goes through it.
    pub async fn lay(url: &str) -> (Self, String) {
        let far = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("a host").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("an address");
        let (is_whole, whole) = watch::channel(true);
        let through = url.replace(&far, &address.to_string());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&far).await else { continue };
                let ((near_reads, near_writes), (far_reads, far_writes)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near_reads, far_writes, whole.clone()));
                tokio::spawn(carry(far_reads, near_writes, whole.clone()));
            }
        });
        (Self { is_whole }, through)
    }

    /// From now on nothing comes through; what is open stays open.
    pub fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    /// What was held back comes through late.
    pub fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut whole: watch::Receiver<bool>) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if whole.wait_for(|is_whole| *is_whole).await.is_err() || to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
