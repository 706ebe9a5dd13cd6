//! Has the linker place the functions that calls pass side by side.
//!
//! The first call after a pause finds nothing of the program in the processor's caches. Left to themselves its 300 functions are
//! spread over 235 pages of a program of many megabytes; side by side they are on 143 (November 2026). `often.ld` names them,
//! and `make order` writes it anew. A function that it does not know, or does not know any more, is where it always was.

use std::env::VarError;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=often.ld");
    let script = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("often.ld");
    let argument = format!("-T{}", script.display());
    if variable("PROFILE")? == "release" && variable("CARGO_CFG_TARGET_OS")? == "linux" {
        match is_taken(&argument) {
            Ok(true) => println!("cargo::rustc-link-arg-bins={argument}"),
            Ok(false) => println!(
                "cargo::warning=this linker cannot place functions as often.ld says; all else is the same"
            ),
            Err(error) => println!("cargo::warning=functions are not placed as often.ld says: {error}"),
        }
    }
    Ok(())
}

/// Whether the linker takes an argument. Not all that may be configured know scripts that only add to their own.
fn is_taken(argument: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let folder = variable("OUT_DIR")?;
    let source = Path::new(&folder).join("nothing.rs");
    std::fs::write(&source, "fn main() {}\n")?;
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.arg(&source).args(["--out-dir", &folder, "--target", &variable("TARGET")?, "--cap-lints", "allow"]);
    rustc.args(variable("CARGO_ENCODED_RUSTFLAGS")?.split('\u{1f}').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = variable("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let linked = rustc.arg(format!("-Clink-arg={argument}")).output()?;
    Ok(linked.status.success())
}

/// What cargo says to a build script.
#[expect(clippy::disallowed_methods, reason = "it is no setting of the gateway")]
fn variable(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}
