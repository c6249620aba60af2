//! `intervalo verify`: reads the whole journal again and says whether it is what was written.

use super::args::Verify;
use super::failure::{Failure, print};
use super::runtime::wait_for;
use super::settings::data_folder;
use crate::store::verify::verify;

pub(super) fn run(flags: &Verify) -> Result<(), Failure> {
    let data = data_folder(flags.data.as_deref())?;
    let summary = wait_for(async { verify(&data).await.map_err(Failure::new) })?;
    print(summary)
}
