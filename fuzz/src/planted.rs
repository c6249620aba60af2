//! Mistakes that the kept inputs have to find: the product with one function in whose place stands another.

use intervalo::domain::agent::{Agent, Context};
use intervalo::domain::directory::Directory;
use intervalo::domain::policy_plans::PauseTypes;
use intervalo::domain::rules::Verdict;
use intervalo::domain::schedule::{Window, WindowState};
use intervalo::domain::time::Timestamp;
use intervalo::exchange::round_trip::{Company, Separator};
use intervalo::protocol::error::WireError;
use intervalo::protocol::methods::{Invocation, Method};
use intervalo::protocol::rpc::{Id, Incoming, Params, Response};
use intervalo::transport::cursor::List;
use serde_json::Value;

use crate::{Held, Target, company_toml, cursors, json_rpc, people_csv, policy, windows};

/// A mistake.
pub struct Planted {
    /// What is wrong, in a few words.
    pub mistake: &'static str,
    /// Which target has it.
    pub target: Target,
    /// Hands an input to the product with the mistake.
    pub hold: fn(&[u8]) -> Held,
}

/// All of them; each target has some.
pub const ALL: &[Planted] = &[
    Planted {
        mistake: "a text in TOML loses its backslashes",
        target: Target::CompanyToml,
        hold: |input| {
            let write = |company: &Company| (company_toml::Subject::PRODUCT.write)(company).replace('\\', "");
            company_toml::hold(input, &company_toml::Subject { write, ..company_toml::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "a window until midnight is written as one until a minute past it",
        target: Target::CompanyToml,
        hold: |input| {
            let write = |company: &Company| (company_toml::Subject::PRODUCT.write)(company).replace("24:00", "00:01");
            company_toml::hold(input, &company_toml::Subject { write, ..company_toml::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "a problem is told without its line",
        target: Target::CompanyToml,
        hold: |input| {
            let read = |text: &str, now| {
                (company_toml::Subject::PRODUCT.read)(text, now).map_err(|mut problems| {
                    problems.iter_mut().for_each(|problem| problem.line = 0);
                    problems
                })
            };
            company_toml::hold(input, &company_toml::Subject { read, ..company_toml::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "the number of an event is read with a sign",
        target: Target::Cursors,
        hold: |input| {
            let list = |list: List, text: &str| {
                let number = text.parse().ok().filter(|_| list == List::Events);
                number.map_or_else(|| list.again(text), |number: u64| Some(number.to_string()))
            };
            cursors::hold(input, &cursors::Subject { list, ..cursors::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "an id in a cursor is read in capitals",
        target: Target::Cursors,
        hold: |input| {
            let list = |list: List, text: &str| list.again(&text.to_lowercase());
            cursors::hold(input, &cursors::Subject { list, ..cursors::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "the cursor of one view is taken for another's",
        target: Target::Cursors,
        hold: |input| {
            let board = |text: &str, _: &str| {
                let view = text.split('.').next().unwrap_or_default();
                (cursors::Subject::PRODUCT.board)(text, view)
            };
            cursors::hold(input, &cursors::Subject { board, ..cursors::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "the id of a request is given back as text",
        target: Target::JsonRpc,
        hold: |input| {
            let read = |text: &str| match (json_rpc::Subject::PRODUCT.read)(text) {
                Incoming::Single(Ok(mut call)) => {
                    if let Some(Id::Number(number)) = &call.id {
                        call.id = Some(Id::Text(number.to_string()));
                    }
                    Incoming::Single(Ok(call))
                }
                other @ (Incoming::Single(Err(_)) | Incoming::Batch(_)) => other,
            };
            json_rpc::hold(input, &json_rpc::Subject { read, ..json_rpc::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "what a method does not know is passed over",
        target: Target::JsonRpc,
        hold: |input| json_rpc::hold(input, &json_rpc::Subject { invoke: lenient, ..json_rpc::Subject::PRODUCT }),
    },
    Planted {
        mistake: "an error says all that it was sent",
        target: Target::JsonRpc,
        hold: |input| {
            let read = |text: &str| match (json_rpc::Subject::PRODUCT.read)(text) {
                Incoming::Single(Err(mut bad)) => {
                    bad.error.message = format!("The message is wrong: {}.", text.escape_debug());
                    Incoming::Single(Err(bad))
                }
                other @ (Incoming::Single(Ok(_)) | Incoming::Batch(_)) => other,
            };
            json_rpc::hold(input, &json_rpc::Subject { read, ..json_rpc::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "an answer leaves out which version of JSON-RPC it is",
        target: Target::JsonRpc,
        hold: |input| {
            let write = |response: &Response| response.to_text().replacen(r#""jsonrpc":"2.0","#, "", 1);
            json_rpc::hold(input, &json_rpc::Subject { write, ..json_rpc::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "a cell that a spreadsheet would run is written as it is",
        target: Target::PeopleCsv,
        hold: |input| {
            let write = |directory: &Directory, separator: Separator| {
                let written = (people_csv::Subject::PRODUCT.write)(directory, separator);
                String::from_utf8_lossy(&written).replace('\'', "").into_bytes()
            };
            people_csv::hold(input, &people_csv::Subject { write })
        },
    },
    Planted {
        mistake: "a zone is written without its continent",
        target: Target::PeopleCsv,
        hold: |input| {
            let write = |directory: &Directory, separator: Separator| {
                let written = (people_csv::Subject::PRODUCT.write)(directory, separator);
                String::from_utf8_lossy(&written).replace("America/", "").into_bytes()
            };
            people_csv::hold(input, &people_csv::Subject { write })
        },
    },
    Planted {
        mistake: "the place in the menu is not written",
        target: Target::Policy,
        hold: |input| policy::hold(input, &policy::Subject { write: without_position, ..policy::Subject::PRODUCT }),
    },
    Planted {
        mistake: "windows are not written",
        target: Target::Policy,
        hold: |input| policy::hold(input, &policy::Subject { write: without_windows, ..policy::Subject::PRODUCT }),
    },
    Planted {
        mistake: "a limit is exported in minutes alone",
        target: Target::Policy,
        hold: |input| {
            let export = |company: &Company| (policy::Subject::PRODUCT.export)(company).replace("m1s\"", "m\"");
            policy::hold(input, &policy::Subject { export, ..policy::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "a window is open a millisecond too long",
        target: Target::Windows,
        hold: |input| {
            let state = |windows: &[Window], now: Timestamp, zone| {
                let earlier = (windows::Subject::PRODUCT.state)(windows, Timestamp(now.0 - 1), zone);
                match ((windows::Subject::PRODUCT.state)(windows, now, zone), earlier) {
                    (WindowState::Closed { .. }, WindowState::Open { until: Some(until) }) if until == now => {
                        WindowState::Open { until: Some(Timestamp(now.0 + 1)) }
                    }
                    (state, _) => state,
                }
            };
            windows::hold(input, &windows::Subject { state, ..windows::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "the next opening is that of the first window",
        target: Target::Windows,
        hold: |input| {
            let state = |windows: &[Window], now, zone| {
                let first = windows.first().map_or(windows, std::slice::from_ref);
                match (windows::Subject::PRODUCT.state)(windows, now, zone) {
                    WindowState::Closed { .. } => (windows::Subject::PRODUCT.state)(first, now, zone),
                    open => open,
                }
            };
            windows::hold(input, &windows::Subject { state, ..windows::Subject::PRODUCT })
        },
    },
    Planted {
        mistake: "the menu is of a minute before",
        target: Target::Windows,
        hold: |input| {
            let preview = |agent: &Agent, context: &Context<'_>| -> Option<Verdict> {
                let before = Context { now: Timestamp(context.now.0 - 60_000), ..*context };
                (windows::Subject::PRODUCT.preview)(agent, &before)
            };
            windows::hold(input, &windows::Subject { preview, ..windows::Subject::PRODUCT })
        },
    },
];

fn lenient(method: Method, params: Params) -> Result<Invocation, WireError> {
    match params {
        Params::Named(mut members) => {
            members.remove("surprise");
            Invocation::read(method, Params::Named(members))
        }
        other @ (Params::Absent | Params::Positional(_)) => Invocation::read(method, other),
    }
}

fn without_windows(types: &PauseTypes) -> Value {
    without_field(types, "windows")
}

fn without_position(types: &PauseTypes) -> Value {
    without_field(types, "position")
}

fn without_field(types: &PauseTypes, field: &str) -> Value {
    let mut written = (policy::Subject::PRODUCT.write)(types);
    for kind in written.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        kind.remove(field);
    }
    written
}
