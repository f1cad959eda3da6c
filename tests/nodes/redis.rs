//! A Redis, or a Valkey, that keeps nothing: started on a socket of its own, ended when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use redis::AsyncCommands as _;
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
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
        let mut counted = 0;
        for node in connection.keys::<_, Vec<String>>("keydesk:*:nod_*").await.expect("names") {
            let of_node: Option<u32> = connection.hget(node, &key.id).await.expect("a count");
            counted += of_node.unwrap_or(0);
        }
        counted
    }

    /// Waits until so many requests of the key are written down.
    pub async fn holds(&self, key: &Key, requests: u32) {
        while self.counted(key).await != requests {
            tokio::task::yield_now().await;
        }
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
