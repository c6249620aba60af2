//! The server under load: one that is started for it, or one that runs already.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::TargetArgs;
use super::company::{self, Company, TENANT, import_file_of};
use super::failure::{Failure, Outcome, While};
use super::folder::Folder;
use super::machine::{self, Memory, Pinning};
use super::server::{Installation, Limits, Server};
use super::token::{KEY_FILE, Role, Signer};

/// What to put under load, with its company in it.
#[derive(Debug)]
pub(super) struct Target {
    kind: Kind,
    folder: Folder,
    signer: Signer,
    pinning: Pinning,
}

#[derive(Debug)]
enum Kind {
    Own(Installation),
    Running { address: SocketAddr, pid: Option<u32> },
}

/// A server that runs.
#[derive(Debug)]
pub(super) struct Running {
    address: SocketAddr,
    pid: Option<u32>,
    own: Option<Server>,
}

impl Target {
    /// Makes a company of so many agents, or takes the one that is there.
    ///
    /// # Errors
    /// [`Failure`] when the flags name no server, or the company cannot be made.
    pub(super) fn prepare(args: &TargetArgs, agents: usize) -> Outcome<Target> {
        Target::prepare_with(args, &Company::of(agents), Limits::Raised)
    }

    /// The same with another company, or with other limits, of a server of ours.
    ///
    /// # Errors
    /// [`Failure`] as of [`Target::prepare`].
    pub(super) fn prepare_with(args: &TargetArgs, company: &Company, limits: Limits) -> Outcome<Target> {
        Target::prepare_from(args, |tenant| import_file_of(tenant, company), limits)
    }

    /// The same with whatever company a file has that is made for the tenant.
    ///
    /// # Errors
    /// [`Failure`] as of [`Target::prepare`].
    pub(super) fn prepare_from(
        args: &TargetArgs,
        import_file: impl Fn(&str) -> String,
        limits: Limits,
    ) -> Outcome<Target> {
        let folder = Folder::make(args.dir.as_deref())?;
        let pinning = if args.pin { Pinning::Apart } else { Pinning::Free };
        pinning.take_generators_core()?;
        match &args.url {
            Some(url) => {
                let key = key_file(args)?;
                let tenant = args.tenant.clone().unwrap_or_else(|| TENANT.to_owned());
                let signer = Signer::from_file(&key, &tenant)?;
                let kind = Kind::Running { address: address_of(url)?, pid: args.pid };
                Ok(Target { kind, folder, signer, pinning })
            }
            None => {
                let binary = args.server.clone().map_or_else(beside_this_program, Ok)?;
                let data = folder.path().join("data");
                let installation = Installation { binary, data, store: args.store.clone(), pinning, limits };
                let tenant = args.tenant.clone().unwrap_or_else(|| fresh_tenant(args));
                let file = folder.path().join("company.toml");
                std::fs::write(&file, import_file(&tenant)).while_doing("cannot write the company")?;
                installation.import(&file)?;
                installation.make_key(&tenant)?;
                let signer = Signer::from_file(&installation.data.join(KEY_FILE), &tenant)?;
                Ok(Target { kind: Kind::Own(installation), folder, signer, pinning })
            }
        }
    }

    /// Starts the server, if it is one of ours, and waits until it is ready.
    ///
    /// # Errors
    /// [`Failure`] when it does not become ready.
    pub(super) fn start(&self) -> Outcome<Running> {
        match &self.kind {
            Kind::Own(installation) => {
                let server = installation.start()?;
                Ok(Running { address: server.address(), pid: Some(server.pid()), own: Some(server) })
            }
            Kind::Running { address, pid } => Ok(Running { address: *address, pid: *pid, own: None }),
        }
    }

    /// Kills a server of ours without a word (SIGKILL), and starts another one on what it left, at the same address.
    ///
    /// # Errors
    /// [`Failure`] when it is not one of ours, or the other one does not become ready.
    pub(super) fn start_over(&self, server: Running) -> Outcome<Running> {
        let Some(installation) = self.installation() else {
            return Err(Failure::new(
                "only a server that was started here can be killed: leave out --url or --restart",
            ));
        };
        let address = server.address;
        // Dropped, it is killed and gone.
        drop(server);
        let server = installation.start_at(address)?;
        Ok(Running { address: server.address(), pid: Some(server.pid()), own: Some(server) })
    }

    /// Tokens of the first agents.
    ///
    /// # Errors
    /// [`Failure`] when they cannot be signed.
    pub(super) fn agents(&self, count: usize) -> Outcome<Vec<String>> {
        (0..count).map(|n| self.signer.sign(Role::Agent, &company::agent(n))).collect()
    }

    /// The token of a supervisor of a team. Each number is another person, and none of those of [`Target::supervisors`].
    ///
    /// # Errors
    /// [`Failure`] when it cannot be signed.
    pub(super) fn supervisor(&self, team: &str, nth: usize) -> Outcome<String> {
        self.signer.sign(Role::Supervisor { team }, &format!("coordenadora-{nth:05}"))
    }

    /// Tokens of so many supervisors of a team, each another person.
    ///
    /// # Errors
    /// [`Failure`] when they cannot be signed.
    pub(super) fn supervisors(&self, team: &str, count: usize) -> Outcome<Vec<String>> {
        (0..count).map(|n| self.signer.sign(Role::Supervisor { team }, &format!("supervisora-{n:05}"))).collect()
    }

    /// The tenant.
    pub(super) fn tenant(&self) -> &str {
        self.signer.tenant()
    }

    /// A token of an administrator.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be signed.
    pub(super) fn admin(&self) -> Outcome<String> {
        self.signer.sign(Role::Admin, "administradora")
    }

    /// A folder for this run, on the disk that the server of ours writes to.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// How cores are given out.
    pub(super) fn pinning(&self) -> Pinning {
        self.pinning
    }

    /// The installation, of a server of ours.
    pub(super) fn installation(&self) -> Option<&Installation> {
        match &self.kind {
            Kind::Own(installation) => Some(installation),
            Kind::Running { .. } => None,
        }
    }

    /// What stands behind the server, in a word.
    pub(super) fn store_word(&self) -> &'static str {
        match &self.kind {
            Kind::Own(Installation { store: None, .. }) => "sqlite",
            // Its scheme at most: the rest of an address has a password in it.
            Kind::Own(Installation { store: Some(store), .. }) if store.starts_with("postgres") => "postgresql",
            Kind::Own(_) => "other",
            Kind::Running { .. } => "unknown",
        }
    }
}

impl Running {
    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The time that it has been on a core; none when its process is not known.
    ///
    /// # Errors
    /// [`Failure`] when the process is gone.
    pub(super) fn cpu_time(&self) -> Outcome<Option<Duration>> {
        self.pid.map(machine::cpu_time).transpose()
    }

    /// Its memory; none when its process is not known.
    ///
    /// # Errors
    /// [`Failure`] when the process is gone.
    pub(super) fn memory(&self) -> Outcome<Option<Memory>> {
        self.pid.map(machine::memory).transpose()
    }

    /// The most memory that it has had since [`Running::forget_peak`], resident, in KiB; none when its process is not
    /// known.
    ///
    /// # Errors
    /// [`Failure`] when the process is gone.
    pub(super) fn peak_kib(&self) -> Outcome<Option<u64>> {
        self.pid.map(machine::peak_kib).transpose()
    }

    /// Has the system forget the most memory that it has had.
    ///
    /// # Errors
    /// [`Failure`] when the process is gone or belongs to another user.
    pub(super) fn forget_peak(&self) -> Outcome<()> {
        self.pid.map_or(Ok(()), machine::forget_peak)
    }

    /// How many descriptors it has open; none when its process is not known.
    ///
    /// # Errors
    /// [`Failure`] when the process is gone or belongs to another user.
    pub(super) fn descriptors(&self) -> Outcome<Option<usize>> {
        self.pid.map(machine::descriptors).transpose()
    }

    /// How long it took to be ready, of a server of ours.
    pub(super) fn started_in(&self) -> Option<Duration> {
        self.own.as_ref().map(Server::started_in)
    }

    /// What whoever reads figures of it must know: that it warned of something meanwhile.
    pub(super) fn notes(&self) -> Vec<String> {
        let warnings = self.own.as_ref().map(Server::warnings).unwrap_or_default();
        warnings.first().map(|first| format!("the server warned meanwhile, first: {first}")).into_iter().collect()
    }

    /// A failure, with what the server warned of before it.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        let warnings = self.own.as_ref().map(Server::warnings).unwrap_or_default();
        if warnings.is_empty() {
            return failure;
        }
        failure.with(format!("; the server had warned:\n{}", warnings.join("\n")))
    }

    /// Stops it, if it is one of ours.
    ///
    /// # Errors
    /// [`Failure`] when it does not stop as it should.
    pub(super) fn stop(self) -> Outcome<()> {
        self.own.map_or(Ok(()), Server::stop)
    }
}

/// The address of `ws://HOST:PORT/v1/ws`.
fn address_of(url: &str) -> Outcome<SocketAddr> {
    let Some(rest) = url.strip_prefix("ws://") else {
        let why = if url.starts_with("wss://") {
            "the load test speaks no TLS: run it behind the proxy that does"
        } else {
            "it must look like ws://127.0.0.1:8080/v1/ws"
        };
        return Err(Failure::new(format!("--url {url}: {why}")));
    };
    let authority = match rest.split_once('/') {
        None => rest,
        Some((authority, "" | "v1/ws")) => authority,
        Some((_, path)) => return Err(Failure::new(format!("--url {url}: the path is /v1/ws, not /{path}"))),
    };
    let mut found = authority.to_socket_addrs().while_doing(format!("--url {url}: HOST:PORT is not found"))?;
    found.next().ok_or_else(|| Failure::new(format!("--url {url}: {authority} has no address")))
}

fn key_file(args: &TargetArgs) -> Outcome<PathBuf> {
    args.key.clone().ok_or_else(|| {
        Failure::new("--url needs --key FILE: the server's token.key, which the load test signs its tokens with")
    })
}

/// The `intervalo` that was built together with this program.
fn beside_this_program() -> Outcome<PathBuf> {
    let this = std::env::current_exe().while_doing("cannot find this program")?;
    let beside = this.parent().map(|folder| folder.join("intervalo")).filter(|path| is_program(path));
    beside.ok_or_else(|| {
        Failure::new(
            "there is no `intervalo` beside this program: name it with --server PATH, or a running one with --url",
        )
    })
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// A store that outlives the run has a tenant of an earlier one: then the name is a new one each time.
fn fresh_tenant(args: &TargetArgs) -> String {
    if args.store.is_none() {
        return TENANT.to_owned();
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{TENANT}-{:x}-{}", now.as_millis(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_what_is_wrong() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        for url in ["ws://127.0.0.1:8080/v1/ws", "ws://127.0.0.1:8080", "ws://127.0.0.1:8080/"] {
            assert_eq!(address_of(url), Ok(address), "{url}");
        }
        let cases = [
            ("wss://127.0.0.1/v1/ws", "speaks no TLS"),
            ("127.0.0.1:8080", "must look like"),
            ("ws://127.0.0.1:8080/other", "the path is /v1/ws, not /other"),
            ("ws://127.0.0.1/v1/ws", "HOST:PORT is not found"),
        ];
        for (url, expected) in cases {
            let told = address_of(url).expect_err("refused").to_string();
            assert!(told.contains(expected), "{told}");
        }
    }
}
