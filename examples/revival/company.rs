//! Companies in temporary folders: written by a process that is killed, and copied for each round.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::figures::Watch;
use super::stored_company::TENANT;
use super::{Arguments, Outcome};

/// A company on disk, as its last writer left it when it was killed.
pub(crate) struct Company {
    folder: Folder,
    /// A token of its administrator.
    pub(crate) token: String,
}

/// A temporary folder, removed with this value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes one; `name` tells it from others of this process.
    pub(crate) fn make(name: &str) -> Outcome<Folder> {
        let path = std::env::temp_dir().join(format!("intervalo-revival-{}-{name}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Folder(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clear away.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Company {
    /// Has a company written by a process of its own, and kills that when all of it is durable.
    pub(crate) async fn write(
        arguments: &Arguments,
        agents: u64,
        paused: u64,
        events: u64,
        more: &[&str],
    ) -> Outcome<Company> {
        let folder = Folder::make(&format!("{agents}{}", more.concat()))?;
        let watch = Watch::start();
        let mut writer = Command::new(std::env::current_exe()?);
        writer.args([
            "--agents",
            &agents.to_string(),
            "--paused",
            &paused.to_string(),
            "--events",
            &events.to_string(),
        ]);
        writer.arg("write").arg(folder.path()).args(more);
        let mut writer = writer.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let out = writer.stdout.take().ok_or("no pipe")?;
        let told = BufReader::new(out).lines().next_line().await?.ok_or("the writer ended before it was done")?;
        writer.kill().await?;
        println!(
            "wrote {told} events of {agents} agents, {paused} of them on a pause, in {:.1} s; its writer was killed",
            watch.seconds()
        );
        let words = ["token", "--tenant", TENANT, "--role", "admin", "--subject", "ops", "--data"];
        let token = Command::new(&arguments.binary).args(words).arg(folder.path()).output().await?;
        if !token.status.success() {
            return Err(String::from_utf8_lossy(&token.stderr).into_owned().into());
        }
        Ok(Company { folder, token: String::from_utf8(token.stdout)?.trim().to_owned() })
    }

    /// A copy of it, log and all.
    pub(crate) fn copy(&self, name: &str) -> Outcome<Folder> {
        let copy = Folder::make(name)?;
        for file in std::fs::read_dir(self.folder.path())? {
            let file = file?;
            std::fs::copy(file.path(), copy.path().join(file.file_name()))?;
        }
        Ok(copy)
    }
}
