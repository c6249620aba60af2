//! `intervalo verify`: reads the whole journal again and says whether it is what was written.

use super::args::Verify;
use super::failure::{Failure, print};
use super::runtime::wait_for;
use super::settings::store_of;
use crate::store::verify::verify;

pub(super) fn run(flags: &Verify) -> Result<(), Failure> {
    let store = store_of(&flags.place)?;
    let summary = wait_for(async { verify(store).await.map_err(Failure::new) })?;
    print(summary)
}
