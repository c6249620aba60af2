//! What the journal says, read past the product.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row, SqliteConnection};
use tokio::process::Command;

use super::Outcome;
use super::stored_company::THRESHOLD_KINDS;

/// The journal of a server that was killed.
pub(crate) struct Journal(SqliteConnection);

impl Journal {
    pub(crate) async fn open(data: &Path) -> Outcome<Journal> {
        let options = SqliteConnectOptions::new().filename(data.join(intervalo::store::DATABASE_FILE)).read_only(true);
        Ok(Journal(options.connect().await?))
    }

    /// Every agent on a pause has each threshold once, and no agent twice.
    pub(crate) async fn check_thresholds(&mut self, paused: u64) -> Outcome<()> {
        for kind in THRESHOLD_KINDS {
            let row = sqlx::query("SELECT count(*), count(DISTINCT person) FROM journal WHERE kind = ?1");
            let row = row.bind(kind).fetch_one(&mut self.0).await?;
            let (all, agents): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if (all, agents) != (paused.cast_signed(), paused.cast_signed()) {
                return Err(
                    format!("{paused} agents were overdue, {kind} is on record {all} times for {agents}").into()
                );
            }
        }
        Ok(())
    }

    /// An acknowledged command is on record once, and after what was due for its agent before.
    pub(crate) async fn check_command(&mut self, op: u128, after: &[&str]) -> Outcome<()> {
        let op = op.to_be_bytes();
        let rows =
            sqlx::query("SELECT person, seq FROM journal WHERE op = ?1").bind(&op[..]).fetch_all(&mut self.0).await?;
        let [row] = &rows[..] else {
            return Err(format!("an acknowledged op is on record {} times", rows.len()).into());
        };
        let (person, seq): (Vec<u8>, i64) = (row.try_get(0)?, row.try_get(1)?);
        for kind in after {
            let before = sqlx::query_scalar::<_, i64>(
                "SELECT count(*) FROM journal WHERE person = ?1 AND kind = ?2 AND seq < ?3",
            );
            let before = before.bind(&person).bind(*kind).bind(seq).fetch_one(&mut self.0).await?;
            if before != 1 {
                return Err(format!("{kind} stands {before} times before the first command to an overdue agent").into());
            }
        }
        Ok(())
    }
}

/// `intervalo verify` holds.
pub(crate) async fn verify(binary: &Path, data: &Path) -> Outcome<()> {
    let ran = Command::new(binary).args(["verify", "--data"]).arg(data).output().await?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if !ran.status.success() {
        return Err(told.into());
    }
    print!("{told}");
    Ok(())
}
