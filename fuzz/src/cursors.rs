//! Cursors: each is refused, or is the very text that is handed out for the place that it was read as.

use intervalo::hub::cursor;
use intervalo::protocol::methods::{Invocation, Method};
use intervalo::protocol::policy_call::PolicyCall;
use intervalo::protocol::rpc::Params;
use intervalo::transport::cursor::List;
use serde_json::json;

use crate::told::ensure;
use crate::{Held, Outcome};

/// A view of a board, as its subscription's id says it.
const VIEW: &str = "00112233445566778899aabbccddeeff";

/// What is asked.
pub(crate) struct Subject {
    /// Reads a cursor of a list and writes it again.
    pub(crate) list: fn(List, &str) -> Option<String>,
    /// The same for a board of a view.
    pub(crate) board: fn(&str, &str) -> Option<String>,
}

impl Subject {
    pub(crate) const PRODUCT: Subject = Subject { list: List::again, board: cursor::again };
}

pub(crate) fn hold(input: &[u8], subject: &Subject) -> Held {
    are_taken_as_handed_out(input, subject)?;
    let Ok(text) = std::str::from_utf8(input) else { return Ok(Outcome::Refused) };
    let mut outcome = Outcome::Refused;
    for list in List::ALL {
        let Some(again) = (subject.list)(list, text) else { continue };
        ensure(again == text, || format!("{list:?} reads {text:?} as {again:?}"))?;
        if !is_by_name(list) {
            needs_no_escape(text)?;
            outcome = Outcome::Accepted;
        }
    }
    if let Some(again) = (subject.board)(text, VIEW) {
        ensure(again == text, || format!("a board reads {text:?} as {again:?}"))?;
        needs_no_escape(text)?;
        let other = VIEW.replace('0', "1");
        ensure((subject.board)(text, &other).is_none(), || format!("another view takes {text:?}"))?;
        outcome = Outcome::Accepted;
    }
    if let Some(version) = version_before(text) {
        ensure(version == text, || format!("the versions read {text:?} as {version:?}"))?;
        outcome = Outcome::Accepted;
    }
    Ok(outcome)
}

/// True for lists whose cursors are ids that the host application made up, which may hold nearly anything.
fn is_by_name(list: List) -> bool {
    match list {
        List::Agents | List::Channels | List::PauseTypes | List::Teams | List::Tenants => true,
        List::Credentials | List::Events | List::Pauses | List::Requests | List::Sessions => false,
    }
}

/// It can stand in an address as it is.
fn needs_no_escape(cursor: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    ensure(cursor.bytes().all(plain), || format!("{cursor:?} needs an escape in an address"))
}

/// The version that `policy.versions` goes on before.
fn version_before(cursor: &str) -> Option<String> {
    let params = json!({ "cursor": cursor }).as_object().cloned()?;
    match Invocation::read(Method::PolicyVersions, Params::Named(params)) {
        Ok(Invocation::Policy(PolicyCall::Versions { before, .. })) => before.map(|version| version.to_string()),
        _ => None,
    }
}

/// The texts for places that the input stands for by its bytes are taken.
fn are_taken_as_handed_out(input: &[u8], subject: &Subject) -> Result<(), String> {
    let mut bytes = [0; 24];
    for (byte, given) in bytes.iter_mut().zip(input) {
        *byte = *given;
    }
    let mut id = [0; 16];
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[..8]);
    id.copy_from_slice(&bytes[8..]);
    let (number, id) = (u64::from_le_bytes(number), u128::from_le_bytes(id));
    let at = number.cast_signed();
    let id = intervalo::domain::id::CredentialId(id).to_string();
    let handed_out = [
        (List::Events, number.to_string()),
        (List::Sessions, number.to_string()),
        (List::Sessions, id.clone()),
        (List::Credentials, id.clone()),
        (List::Pauses, format!("{at}_{id}")),
        (List::Requests, format!("{at}.{id}")),
    ];
    for (list, text) in handed_out {
        let again = (subject.list)(list, &text);
        ensure(again.as_deref() == Some(&text), || format!("{list:?} reads its own {text:?} as {again:?}"))?;
    }
    let text = format!("{VIEW}.{number:x}.{:x}", number >> 7);
    let again = (subject.board)(&text, VIEW);
    ensure(again.as_deref() == Some(&text), || format!("a board reads its own {text:?} as {again:?}"))
}
