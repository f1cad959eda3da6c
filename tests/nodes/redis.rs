//! A Redis, or a Valkey, that keeps nothing: started on a socket of its own, ended when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::UnixStream;

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
