//! The program: see the library.

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    return bench::main();
    #[cfg(not(target_os = "linux"))]
    std::process::ExitCode::FAILURE
}
