//! A private PostgreSQL server, made for the tests and gone with them: a temporary folder, a free port of
//! loopback, a database for whoever asks.
//!
//! It is started by a shell that ends it when its input closes, so that it never outlives the test, however that
//! ends. PostgreSQL refuses to run as root; then it runs as the user `postgres` of its package.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use intervalo::config::{PostgresAddress, StoreAddress};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// What PostgreSQL writes when it can be connected to.
const READY: &str = "database system is ready to accept connections";
/// What it writes when the processes of a server that was killed are still there.
const STILL_THERE: &str = "pre-existing shared memory block";
/// What it answers whoever is too early.
const TOO_EARLY: &str = "FATAL:  the database system is";
/// Starts a server and ends it, without ceremony, when nothing can come from the test any more.
const KEEPER: &str = r#""$@" & server=$!; cat >/dev/null; kill -QUIT $server; wait $server"#;
/// The user of the package, for whoever is root.
const USER: &str = "postgres";

/// A running server.
pub(crate) struct PrivatePostgres {
    programs: PathBuf,
    dir: TempDir,
    port: u16,
    settings: Vec<&'static str>,
    keeper: Mutex<Option<Keeper>>,
    databases: AtomicU32,
}

struct Keeper(Child);

impl PrivatePostgres {
    /// A new server; none, with a line that says so, where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it cannot be started, and where it is not installed although `CI` is `true`.
    pub(crate) fn start() -> Option<PrivatePostgres> {
        PrivatePostgres::start_with(&[])
    }

    /// A new server with settings of its own, `name=value`.
    pub(crate) fn start_with(settings: &[&'static str]) -> Option<PrivatePostgres> {
        let Some(programs) = programs() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "PostgreSQL is not installed");
            println!("skipped: PostgreSQL is not installed (`apt-get install postgresql`)");
            return None;
        };
        // In a folder that every user may enter.
        let dir = TempDir::with_prefix_in("intervalo-postgres-", "/tmp").expect("a temporary folder");
        if is_root() {
            let ids = (user_id("-u"), user_id("-g"));
            std::os::unix::fs::chown(dir.path(), Some(ids.0), Some(ids.1)).expect("the folder is given away");
        }
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let server = PrivatePostgres {
            programs,
            dir,
            port,
            settings: settings.to_vec(),
            keeper: Mutex::new(None),
            databases: AtomicU32::new(0),
        };
        let made = as_user(&server.programs.join("initdb"))
            .args(["--username=intervalo", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
            .arg("--pgdata")
            .arg(server.data())
            .current_dir(server.dir.path())
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.launch();
        Some(server)
    }

    /// The address of a database of its own, made anew.
    pub(crate) async fn database(&self) -> StoreAddress {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.expect("a connection");
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(sql).execute(&mut connection).await.expect("a database");
        self.url(&name).parse().expect("an address")
    }

    /// Kills the server's main process with SIGKILL; the others end when they notice.
    #[allow(dead_code, reason = "not every test program kills it")]
    pub(crate) fn kill(&self) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("the server's process id");
        let pid: i32 = pid.lines().next().and_then(|line| line.parse().ok()).expect("a number");
        let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is killed");
        drop(self.keeper.lock().expect("no panic").take());
    }

    /// Starts it again on the same data and port.
    pub(crate) fn launch(&self) {
        let mut keeper = self.keeper.lock().expect("no panic");
        loop {
            match self.try_launch() {
                Ok(launched) => {
                    *keeper = Some(launched);
                    return;
                }
                Err(log) if log.iter().any(|line| line.contains(STILL_THERE)) => {}
                Err(log) => panic!("the server does not start:\n{}", log.join("\n")),
            }
        }
    }

    fn try_launch(&self) -> Result<Keeper, Vec<String>> {
        let server = as_user(&self.programs.join("postgres"));
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(server.get_program()).args(server.get_args());
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let own = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];
        for setting in own.iter().chain(&self.settings) {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.current_dir(self.dir.path()).spawn().expect("a shell");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            let line = line.expect("UTF-8");
            let ready = line.contains(READY);
            seen.push(line);
            if ready {
                // So that the server never waits for somebody to read on.
                std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                return Ok(Keeper(child));
            }
            if seen.last().is_some_and(|line| line.contains("FATAL") && !line.contains(TOO_EARLY)) {
                break;
            }
        }
        drop(child.stdin.take());
        let _ = child.wait();
        Err(seen)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://intervalo@127.0.0.1:{}/{database}", self.port)
    }
}

/// The address of a PostgreSQL database, as it is written.
pub(crate) fn url_of(store: &StoreAddress) -> &str {
    postgres_of(store).with_password()
}

/// The address as the journal takes it.
pub(crate) fn postgres_of(store: &StoreAddress) -> &PostgresAddress {
    let StoreAddress::Postgres(address) = store else { panic!("{store} is not of PostgreSQL") };
    address
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The folder of PostgreSQL's programs, the newest version's.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    let packaged = found.into_iter().rev().map(|(_, folder)| folder);
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    packaged.chain(told).find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program, run as a user that it does not refuse.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--clear-groups"]).arg(program);
    command
}

fn user_id(flag: &str) -> u32 {
    let told = Command::new("id").args([flag, USER]).output().expect("id runs");
    let told = String::from_utf8_lossy(&told.stdout);
    told.trim().parse().unwrap_or_else(|_| panic!("there is no user {USER} to run PostgreSQL as"))
}
