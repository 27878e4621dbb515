//! Debian's `PostgreSQL`, which a test has for itself.

use std::{net::Ipv4Addr, path::PathBuf, process::Command};

use super::server::{Server, free_port};

/// The user, who owns the database.
const USER: &str = "certs";

/// A database server on the loopback interface. It runs as a user other than root, which it insists on: one of a user namespace,
/// which outside of it is the test's.
pub(crate) struct Postgres {
    server: Option<Server>,
    port: u16,
    dir: tempfile::TempDir,
}

/// A program of the server, as a user who is not root.
fn program(name: &str) -> Command {
    let testbed = std::env::var("TESTBED").expect("TESTBED, which tests/testbed/run sets");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1000", "--map-group=1000"]);
    command.arg(PathBuf::from(testbed).join("postgres/bin").join(name));
    command
}

impl Postgres {
    /// An empty database. What it promised to keep it keeps, even if it is killed.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = program("initdb")
            .args([
                "-U",
                USER,
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(dir.path().join("data"))
            .output()
            .expect("unshare");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut this = Self {
            server: None,
            port: free_port(),
            dir,
        };
        this.start_again();
        this
    }

    /// Starts the server with what it had.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        self.kill();
        // Whoever was killed has left it.
        let _ = std::fs::remove_file(self.dir.path().join("data/postmaster.pid"));
        let mut command = program("postgres");
        command.arg("-D").arg(self.dir.path().join("data"));
        for setting in [
            "listen_addresses=127.0.0.1",
            &format!("port={}", self.port),
            "unix_socket_directories=",
            "shared_buffers=256MB",
            "max_wal_size=2GB",
            "jit=off",
        ] {
            command.args(["-c", setting]);
        }
        let mut server = Server::start("postgres", self.dir.path(), &command);
        let address = (Ipv4Addr::LOCALHOST, self.port);
        server.wait_until(|| std::net::TcpStream::connect(address).is_ok());
        self.server = Some(server);
    }

    /// Kills the server, as a machine does that loses its power.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// Runs statements by psql, which has no part in what is tested, and returns what they print.
    #[track_caller]
    pub(crate) fn psql(&self, statements: &str) -> String {
        let ran = program("psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &self.url(),
                "-c",
                statements,
            ])
            .output()
            .expect("unshare");
        assert!(ran.status.success(), "psql: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }
}
