# Short names; every line also works bare.

# The whole gate, as the forge runs it.
gate:
    .ci/run

# What is cheap to know before a commit.
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

test *args:
    cargo test --locked {{args}}

# Writes what is generated from the code: schemas, reference pages, snapshots.
gen:
    UPDATE=1 INSTA_UPDATE=always cargo test --locked
    git status --short

demo *args:
    cargo run --locked -- demo {{args}}

# Judges the built program with boto3 and botocore's model of the service.
judges:
    cargo build --locked
    tests/judges/run.sh "${CARGO_TARGET_DIR:-target}/debug/trueup"

deny:
    cargo deny --all-features check

doc:
    cargo doc --locked --no-deps --document-private-items
