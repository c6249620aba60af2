//! `intervalo export`: a company as a file that `import` reads, taken beside a running server or without one.

use std::io::{self, Write};

use super::args::{Export, FileFormat};
use super::failure::Failure;
use super::runtime::wait_for;
use super::settings::store_of;
use crate::exchange::{Separator, write_company, write_people};
use crate::store::read_company;

pub(super) fn run(flags: &Export) -> Result<(), Failure> {
    let store = store_of(&flags.place)?;
    let company = wait_for(async { read_company(&store, &flags.tenant).await.map_err(Failure::new) })?;
    let bytes = match flags.format {
        FileFormat::Toml => write_company(&company.directory, &company.policy).into_bytes(),
        FileFormat::Csv => {
            let separator = if flags.semicolon { Separator::Semicolon } else { Separator::Comma };
            let people = write_people(&company.directory, separator).map_err(Failure::new)?;
            let mark: &[u8] = if flags.bom { b"\xEF\xBB\xBF" } else { b"" };
            [mark, &people].concat()
        }
    };
    match &flags.output {
        Some(path) => std::fs::write(path, bytes)
            .map_err(|why| Failure::new(format_args!("cannot write {}: {why}", path.display()))),
        None => {
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(&bytes).and_then(|()| stdout.flush());
            written.map_err(|why| Failure::new(format_args!("cannot write to standard output: {why}")))
        }
    }
}
