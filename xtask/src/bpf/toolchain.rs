//! A compiler for kernel programs: rustc with its library's source, and
//! bpf-linker.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::compile::run;

/// Where [`install`] puts things, below `target`.
const FOLDER: &str = "target/bpf-toolchain";
/// The LLVM of the compiler that built the committed objects.
const LLVM: &str = "/usr/lib/llvm-22";
const LLVM_PACKAGE: &str = "llvm-22-dev";
const LINKER_VERSION: &str = "0.13.0";
/// Debian's packages of that compiler, its library and its library's source.
const PACKAGES: [&str; 4] =
    ["rustc-web", "libstd-rust-web-1.96", "libstd-rust-web-dev", "rust-web-src"];

/// The tools.
pub(super) struct Toolchain {
    /// Any cargo of the last years.
    pub(super) cargo: PathBuf,
    /// bpf-linker.
    pub(super) linker: PathBuf,
    /// llvm-strip.
    pub(super) strip: PathBuf,
    rustc: PathBuf,
    /// Where the compiler's own libraries are, where it does not know.
    libraries: Option<PathBuf>,
}

impl Toolchain {
    /// The one that `LLMTOP_BPF_RUSTC`, `LLMTOP_BPF_LINKER` and
    /// `LLMTOP_BPF_STRIP` name, each else the one [`install`] made.
    pub(super) fn find(root: &Path) -> Result<Self> {
        let folder = root.join(FOLDER);
        let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
        let own = named("LLMTOP_BPF_RUSTC").is_none();
        let this = Self {
            cargo: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
            linker: named("LLMTOP_BPF_LINKER")
                .unwrap_or_else(|| folder.join("linker/bin/bpf-linker")),
            strip: named("LLMTOP_BPF_STRIP")
                .unwrap_or_else(|| Path::new(LLVM).join("bin/llvm-strip")),
            rustc: named("LLMTOP_BPF_RUSTC").unwrap_or_else(|| folder.join("root/usr/bin/rustc")),
            libraries: own.then(|| folder.join("root/usr/lib").join(multiarch())),
        };
        for tool in [&this.rustc, &this.linker, &this.strip] {
            ensure!(
                tool.exists(),
                "{} is missing: run `cargo xtask bpf toolchain`, or see docs/kernel-programs.md",
                tool.display()
            );
        }
        Ok(this)
    }

    /// What makes cargo use this compiler.
    pub(super) fn environment(&self, command: &mut Command) {
        command.env("RUSTC", &self.rustc);
        // A rustup proxy would heed the pin in probe/ebpf for cargo, too.
        command.env_remove("RUSTUP_TOOLCHAIN");
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
    }

    /// The compiler's and the linker's version, in a line.
    pub(super) fn version(&self) -> Result<String> {
        let rustc = self.ask(Command::new(&self.rustc).arg("--version"))?;
        let llvm = self.ask(Command::new(&self.rustc).arg("--version").arg("--verbose"))?;
        let llvm = llvm.lines().find(|line| line.starts_with("LLVM")).unwrap_or("LLVM unknown");
        let linker = self.ask(Command::new(&self.linker).arg("--version"))?;
        Ok(format!("{rustc}; {llvm}; {linker}"))
    }

    pub(super) fn sysroot(&self) -> Result<PathBuf> {
        let path = PathBuf::from(self.ask(Command::new(&self.rustc).args(["--print", "sysroot"]))?);
        Ok(std::fs::canonicalize(&path).unwrap_or(path))
    }

    fn ask(&self, command: &mut Command) -> Result<String> {
        self.environment(command);
        let output = command.output().with_context(|| format!("{command:?}"))?;
        ensure!(output.status.success(), "{}: {command:?}", output.status);
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// Gets what is missing: Debian packages, unpacked below `target` and not
/// installed, and bpf-linker. Only LLVM's library, where it is missing, is
/// installed as a package.
pub(super) fn install(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    std::fs::create_dir_all(folder.join("packages"))?;
    if !Path::new(LLVM).join("bin/llvm-config").exists() {
        println!("installing {LLVM_PACKAGE}: the one thing that is installed on the system");
        run(Command::new("apt-get")
            .args(["install", "-y", "--no-install-recommends"])
            .arg(LLVM_PACKAGE))
        .context("bpf-linker needs LLVM 22; apt.llvm.org has it for other distributions")?;
    }
    if !folder.join("root/usr/bin/rustc").exists() {
        println!("unpacking {} into {}", PACKAGES.join(", "), folder.display());
        let packages = folder.join("packages");
        run(Command::new("apt-get").current_dir(&packages).arg("download").args(PACKAGES))
            .context("Debian's rustc-web is needed; with rustup see docs/kernel-programs.md")?;
        // The compiler last: where it is, all is.
        let mut archives: Vec<PathBuf> =
            std::fs::read_dir(&packages)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        archives.sort_by_key(|path| path.to_string_lossy().contains("/rustc-web_"));
        for archive in archives {
            run(Command::new("dpkg").arg("-x").arg(archive).arg(folder.join("root")))?;
        }
    }
    if !folder.join("linker/bin/bpf-linker").exists() {
        println!("compiling bpf-linker {LINKER_VERSION}");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        run(Command::new(cargo)
            .args(["install", "bpf-linker", "--locked", "--version", LINKER_VERSION])
            .args(["--no-default-features", "--features", "llvm-22", "--root"])
            .arg(folder.join("linker"))
            .env("LLVM_PREFIX", LLVM))?;
    }
    let toolchain = Toolchain::find(root)?;
    println!("{}", toolchain.version()?);
    Ok(())
}

/// Debian's name of this machine's architecture in library paths.
fn multiarch() -> String {
    format!("{}-linux-gnu", std::env::consts::ARCH)
}
