//! What Intervalo reads from outside, held against what it must be, for inputs that a fuzzer makes up.
//!
//! One module a target. Each reads its input with the product's own reader, and then asks more than that nothing panicked: what
//! is refused is told in the form that clients rely on, and what is taken means the same when it is written and read again. The
//! product is handed in as functions, so that `planted` can put a mistake in the place of one.

mod company;
mod company_toml;
mod cursors;
mod json_rpc;
mod people_csv;
pub mod planted;
mod policy;
mod schemas;
mod told;
mod windows;

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was read as something.
    Accepted,
    /// It was refused.
    Refused,
}

/// What became of an input, or what does not hold for it.
pub type Held = Result<Outcome, String>;

/// Something that is read from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The import file in TOML.
    CompanyToml,
    /// Where a list, a stream or a board goes on.
    Cursors,
    /// A message to `GET /v1/ws` and `POST /v1/rpc`.
    JsonRpc,
    /// People as CSV.
    PeopleCsv,
    /// A draft of a policy.
    Policy,
    /// Windows, at an instant, in a zone.
    Windows,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 6] =
        [Target::CompanyToml, Target::Cursors, Target::JsonRpc, Target::PeopleCsv, Target::Policy, Target::Windows];

    /// Its name: that of its program, of the folder of its inputs and of its dictionary.
    pub fn name(self) -> &'static str {
        match self {
            Target::CompanyToml => "company_toml",
            Target::Cursors => "cursors",
            Target::JsonRpc => "json_rpc",
            Target::PeopleCsv => "people_csv",
            Target::Policy => "policy",
            Target::Windows => "windows",
        }
    }

    /// Hands an input to the product.
    ///
    /// # Errors
    /// What does not hold.
    pub fn hold(self, input: &[u8]) -> Held {
        match self {
            Target::CompanyToml => company_toml::hold(input, &company_toml::Subject::PRODUCT),
            Target::Cursors => cursors::hold(input, &cursors::Subject::PRODUCT),
            Target::JsonRpc => json_rpc::hold(input, &json_rpc::Subject::PRODUCT),
            Target::PeopleCsv => people_csv::hold(input, &people_csv::Subject::PRODUCT),
            Target::Policy => policy::hold(input, &policy::Subject::PRODUCT),
            Target::Windows => windows::hold(input, &windows::Subject::PRODUCT),
        }
    }

    /// The same for a fuzzer, which keeps the input that it ends with.
    ///
    /// # Panics
    /// When something does not hold.
    pub fn must_hold(self, input: &[u8]) {
        if let Err(fault) = self.hold(input) {
            panic!("{}: {fault}", self.name());
        }
    }
}
