//! A Redis, or a Valkey, that keeps nothing: started on a socket of its own, ended when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, AsyncConnectionConfig};
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::node::Key;

pub struct Redis {
    process: Child,
    folder: TempDir,
}

impl Redis {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let process = serve(folder.path());
        let redis = Self { process, folder };
        redis.listens().await;
        redis
    }

    /// What `KEYDESK_REDIS_URL` would be.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn kill(&mut self) {
        self.process.kill().expect("it ends");
        self.process.wait().expect("it has ended");
    }

    /// Empty, where it was.
    pub async fn resume(&mut self) {
        self.process = serve(self.folder.path());
        self.listens().await;
    }

    /// How many requests of the key the nodes wrote down, in whatever minute.
    pub async fn counted(&self, key: &Key) -> u32 {
        counted(&mut self.connect().await, key).await
    }

    /// Waits until so many requests of the key are written down.
    pub async fn holds(&self, key: &Key, requests: u32) {
        let mut connection = self.connect().await;
        while counted(&mut connection, key).await != requests {
            // A node writes each hundredth of a second.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// However long an answer takes.
    async fn connect(&self) -> MultiplexedConnection {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let client = redis::Client::open(self.url()).expect("a URL");
        client.get_multiplexed_async_connection_with_config(&config).await.expect("Redis answers")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    async fn listens(&self) {
        while UnixStream::connect(self.socket()).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}

async fn counted(connection: &mut MultiplexedConnection, key: &Key) -> u32 {
    let mut counted = 0;
    for node in connection.keys::<_, Vec<String>>("keydesk:*:nod_*").await.expect("names") {
        let of_node: Option<u32> = connection.hget(node, &key.id).await.expect("a count");
        counted += of_node.unwrap_or(0);
    }
    counted
}

fn serve(folder: &Path) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"]).arg(folder);
    command.arg("--unixsocket").arg(folder.join("redis.sock"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("redis-server starts: run scripts/test postgres")
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
