//! `intervalo copy`: moves a company's store from a data folder to PostgreSQL.

use super::args::Copy;
use super::failure::{Failure, print};
use super::runtime::wait_for;
use crate::clock::SystemClock;
use crate::config::StoreAddress;
use crate::domain::time::Timestamp;
use crate::store::copy::{CopyError, copy};
use crate::store::{DATABASE_FILE, OpenError};

pub(super) fn run(flags: &Copy) -> Result<(), Failure> {
    let StoreAddress::Folder(from) = &flags.from else {
        return Err(Failure::new("--from: a copy is made from a data folder, `sqlite:FOLDER`"));
    };
    let StoreAddress::Postgres(to) = &flags.to else {
        return Err(Failure::new(
            "--to: a copy is made to PostgreSQL, `postgres://USER@HOST:PORT/DATABASE`; to keep another copy of a data \
             folder, copy the folder while no server runs on it",
        ));
    };
    let summary = wait_for(async { copy(from, to, &SystemClock::start(Timestamp(0))).await.map_err(not_copied) })?;
    print(summary)?;
    print(format_args!(
        "copied {} to {to}; serve it with --store and the same --data, whose token.key stays in use",
        from.join(DATABASE_FILE).display()
    ))
}

fn not_copied(error: CopyError) -> Failure {
    match &error {
        CopyError::Open(OpenError::Locked { .. }) => Failure::new(format_args!("{error}; stop it and copy then")),
        CopyError::Open(_)
        | CopyError::Read(_)
        | CopyError::Source(_)
        | CopyError::NotEmpty(_)
        | CopyError::Target { .. }
        | CopyError::Differs { .. } => Failure::new(error),
    }
}
