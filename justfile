# Every command of the project. `just` alone lists them.

_default:
    @just --list --unsorted

# Build a demo company in a temporary folder and run it: 60 simulated agents, tokens to try
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Serve ./intervalo-data on 127.0.0.1:8080
serve *ARGS:
    cargo run --release -- serve {{ARGS}}

# All tests of the workspace
test *ARGS:
    cargo test --workspace {{ARGS}}

# The house rules that a machine can check
tidy:
    cargo test --test tidy

# The real binary under kill -9 (CYCLES times), signals, a full disk and failing syncs
recovery CYCLES="20":
    RECOVERY_CYCLES={{CYCLES}} cargo test --test recovery -- --nocapture

# Clients that we did not write, unmodified, against the real binary; installs them
foreign:
    bash .ci/foreign-clients

# The Autobahn test suite against an echo behind the product's own frames; installs it
websocket-cases:
    bash .ci/websocket-cases

# Hostile and broken clients against the real binary, by the fault table of the promises
siege *ARGS:
    bash .ci/siege {{ARGS}}

# Writes docs/contract/ and docs/roles.md anew from the code; a test fails where they differ
contract:
    INTERVALO_WRITE_CONTRACT=1 cargo test --test contract

# Property-based requests by schemathesis over the published OpenAPI document, against the real binary; installs it
contract-check:
    bash .ci/contract

# What takes longer than CI has, with the seconds of each step
nightly:
    bash .ci/nightly

# One seed of the simulation
sim SEED:
    INTERVALO_SIM_SEED={{SEED}} cargo test --profile sim --test simulation seeds_hold -- --nocapture

# As many seeds as are asked for, from FROM on; 20,000 take about twenty minutes on two cores
sim-long SEEDS="20000" FROM="10000":
    INTERVALO_SIM_SEEDS={{SEEDS}} INTERVALO_SIM_FROM={{FROM}} cargo test --profile sim --test simulation seeds_hold -- --nocapture

# The hub, the guards and the hand-over of a mailbox in thousands of orders, decided by a scheduler
interleavings *ARGS:
    cargo test --features interleavings --test interleavings -- {{ARGS}}

# Windows in every IANA zone, at every boundary of two years and every minute around every change of a clock
windows:
    bash .ci/windows

# What is read from outside under libFuzzer, all targets or those that are named: kept inputs, then 60 s each (fuzz/README.md)
fuzz *TARGETS:
    bash .ci/fuzz {{TARGETS}}

# Mutations of the domain, a part of them: `just mutants 0/20` is every twentieth; needs cargo-mutants. What is not caught is
# listed in target/mutants/*/mutants.out/missed.txt
mutants SHARD="0/20" *ARGS:
    bash .ci/mutants {{SHARD}} {{ARGS}}

# The load test: `just load commands`, `idle`, `fanout`, `hostile`, `signin`, `reconnect`, `lunch-rush`, `soak` or `day`, `just load run PROFILE`, each with --help (docs/loadtest.md)
load *ARGS:
    cargo build --release --workspace
    target/release/intervalo-loadtest {{ARGS}}

# Memory per idle connection, sign-ins a second and time to start, with AGENTS agents signed in
idle AGENTS="1000" *ARGS:
    just load idle --agents {{AGENTS}} {{ARGS}}

# Starts after kill -9 with 100,000 agents, and memory of agents on a pause: `just revival --help` (docs/performance.md)
revival *ARGS:
    cargo build --release --bin intervalo --example revival
    target/release/examples/revival {{ARGS}}

# Format
fmt:
    cargo fmt --all

# Clippy over everything, warnings are errors
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The API documentation, warnings are errors
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Licences, advisories, banned crates, sources (needs cargo-deny)
deny:
    cargo deny check

# What CI runs, with the seconds of each step
ci:
    bash .ci/run
