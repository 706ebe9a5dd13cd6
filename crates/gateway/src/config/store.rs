//! The file of a configuration as something that is replaced as a whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Component, Path};

use aws_lc_rs::digest;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

/// Why a file was not replaced. It is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum NotReplaced {
    /// It says something else than what was read.
    #[error("the file has changed since it was read")]
    Changed,
    /// It cannot be written at all, and why.
    #[error("{0}")]
    ReadOnly(String),
    /// It could be written, and this time that failed.
    #[error("writing failed: {0}")]
    Failed(io::Error),
}

/// A name for exactly this content.
pub fn revision(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a file cannot be replaced, in words that say what to do; `None` if it can.
pub fn obstacle(path: &Path) -> Option<String> {
    let file = match fs::canonicalize(path) {
        Ok(file) => file,
        Err(error) => return Some(format!("the file cannot be found: {error}")),
    };
    let (Ok(meta), Some(folder)) = (fs::metadata(&file), file.parent()) else {
        return Some("the file cannot be looked at".to_owned());
    };
    // `..data` and `..2026_11_21_…` are how a volume swaps all of its files at once.
    let swapped = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b"..");
    if file.components().any(swapped) {
        return Some(
            "the file is in a Kubernetes volume; change the ConfigMap or Secret that it comes from"
                .to_owned(),
        );
    }
    if !meta.is_file() {
        return Some("this is not a plain file".to_owned());
    }
    if access(&file, AccessFlags::W_OK).is_err() {
        return Some("the file is read-only for the user that the gateway runs as".to_owned());
    }
    match access(folder, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => {}
        Err(Errno::EROFS) => return Some(format!("{} is mounted read-only", folder.display())),
        Err(_) => {
            return Some(format!(
                "the user that the gateway runs as may not write to {}, and to replace the file as a whole, a new one is \
                 written next to it",
                folder.display()
            ));
        }
    }
    // Elsewhere than on Linux nobody mounts single files.
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    is_mount(&file, &mounts).then(|| MOUNTED.to_owned())
}

/// Whether something is mounted at just this path, as containers are given single files (proc(5), `mountinfo`).
fn is_mount(file: &Path, mounts: &str) -> bool {
    let file = file.to_string_lossy().replace('\\', "\\134").replace(' ', "\\040");
    mounts.lines().any(|mount| mount.split(' ').nth(4) == Some(&file))
}

const MOUNTED: &str =
    "the file is mounted on its own, so it cannot be replaced as a whole; mount its folder instead";

/// Replaces a file by this text, if it still is at this revision, and returns the new one. Who reads it at the same time
/// sees the old text or the new one, and never a part. Permissions stay; so does the owner, where we may set it. A link is
/// followed, so that it goes on to lead to the file.
///
/// Two that replace a file at the same moment have to take turns; see who calls this.
pub fn replace(path: &Path, at: &str, text: &str) -> Result<String, NotReplaced> {
    if let Some(obstacle) = obstacle(path) {
        return Err(NotReplaced::ReadOnly(obstacle));
    }
    let file = fs::canonicalize(path).map_err(NotReplaced::Failed)?;
    // A file that cannot be read as text is not what was read.
    let unchanged = || super::read_file(&file).is_ok_and(|now| revision(&now) == at);
    if !unchanged() {
        return Err(NotReplaced::Changed);
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    // Removed again when anything below fails.
    let next = written_next_to(folder, &file, text).map_err(failed)?;
    // Once more, because the disk may have taken its time.
    if !unchanged() {
        return Err(NotReplaced::Changed);
    }
    next.persist(&file).map_err(|error| failed(error.error))?;
    // The new name must outlive a crash as well; where file systems cannot promise that, the content does.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(revision(text))
}

fn written_next_to(folder: &Path, file: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let before = fs::metadata(file)?;
    let mut next = tempfile::Builder::new().prefix(".agentgateway-").suffix(".tmp").tempfile_in(folder)?;
    // Nobody but us may read it before it has its owner.
    keep_owner(next.as_file(), &before);
    next.as_file().set_permissions(before.permissions())?;
    next.write_all(text.as_bytes())?;
    next.as_file().sync_all()?;
    Ok(next)
}

fn keep_owner(file: &File, before: &Metadata) {
    // Only root may give files away; for everybody else the file is theirs anyway, or in a group of theirs.
    if fchown(file, Some(before.uid()), Some(before.gid())).is_err() {
        let _ = fchown(file, None, Some(before.gid()));
    }
}

fn failed(error: io::Error) -> NotReplaced {
    match error.kind() {
        ErrorKind::ResourceBusy => NotReplaced::ReadOnly(MOUNTED.to_owned()),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            NotReplaced::ReadOnly(format!("the file cannot be replaced: {error}"))
        }
        _ => NotReplaced::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::*;

    fn folder_with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.yaml");
        fs::write(&path, text).expect("a file");
        (folder, path)
    }

    fn files(folder: &tempfile::TempDir) -> usize {
        fs::read_dir(folder.path()).expect("a folder").count()
    }

    fn is_root(folder: &tempfile::TempDir) -> bool {
        fs::metadata(folder.path()).expect("a folder").uid() == 0
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions() {
        let (folder, path) = folder_with("a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("permissions");
        let next = replace(&path, &revision("a"), "\u{feff}b\r\n").expect("replaced");
        assert_eq!(next, revision("\u{feff}b\r\n"));
        assert_eq!(fs::read(&path).expect("a file"), b"\xef\xbb\xbfb\r\n");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o640);
        assert_eq!(files(&folder), 1, "nothing else is left");
    }

    #[test]
    fn a_file_keeps_its_owner() {
        let (folder, path) = folder_with("a");
        // Nobody else can make a file that is not theirs.
        if !is_root(&folder) {
            return;
        }
        std::os::unix::fs::chown(&path, Some(4242), Some(4243)).expect("another owner");
        replace(&path, &revision("a"), "b").expect("replaced");
        let meta = fs::metadata(&path).expect("a file");
        assert_eq!((meta.uid(), meta.gid()), (4242, 4243));
    }

    #[test]
    fn a_file_that_has_changed_is_left_alone() {
        for theirs in ["theirs".as_bytes(), b"\xff"] {
            let (folder, path) = folder_with("what was read");
            fs::write(&path, theirs).expect("a file");
            let refused = replace(&path, &revision("what was read"), "ours").expect_err("refused");
            assert!(matches!(refused, NotReplaced::Changed), "{refused}");
            assert_eq!((fs::read(&path).expect("a file").as_slice(), files(&folder)), (theirs, 1));
        }
    }

    #[test]
    fn a_link_still_leads_to_the_file() {
        let (folder, path) = folder_with("a");
        let link = folder.path().join("link.yaml");
        symlink("config.yaml", &link).expect("a link");
        replace(&link, &revision("a"), "b").expect("replaced");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("a file"), "b");
    }

    #[test]
    fn nothing_is_left_of_a_failure() {
        let (folder, path) = folder_with("a");
        // A folder where the file should go: the new text is written, and cannot take its place.
        let error = written_next_to(folder.path(), &path, "b").expect("written").persist(folder.path());
        assert!(matches!(failed(error.expect_err("a folder is in the way").error), NotReplaced::Failed(_)));
        assert_eq!(files(&folder), 1);
    }

    #[test]
    fn a_file_that_is_mounted_on_its_own_is_known() {
        let mounts = "22 1 0:21 / / rw - ext4 /dev/vda rw\n23 22 0:22 /x /etc/my\\040config.yaml ro - ext4 /dev/vdb rw\n";
        assert!(is_mount(Path::new("/etc/my config.yaml"), mounts));
        assert!(!is_mount(Path::new("/etc/config.yaml"), mounts));
    }

    #[test]
    fn a_file_that_cannot_be_written_says_what_to_do() {
        let (folder, path) = folder_with("a");
        assert_eq!(obstacle(&path), None);
        let why = |path: &Path| obstacle(path).expect("an obstacle");
        assert_eq!(why(folder.path()), "this is not a plain file");
        assert!(why(&folder.path().join("none")).starts_with("the file cannot be found"));

        let version = folder.path().join("..2026_11_21");
        fs::create_dir(&version).expect("a folder");
        fs::write(version.join("config.yaml"), "a").expect("a file");
        symlink("..2026_11_21", folder.path().join("..data")).expect("a link");
        let mounted = folder.path().join("mounted.yaml");
        symlink("..data/config.yaml", &mounted).expect("a link");
        assert!(why(&mounted).contains("ConfigMap"), "{}", why(&mounted));
        assert!(matches!(replace(&mounted, &revision("a"), "b"), Err(NotReplaced::ReadOnly(_))));

        // Root may write everywhere.
        if !is_root(&folder) {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).expect("permissions");
            assert!(why(&path).contains("may not write to"), "{}", why(&path));
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        }
    }
}
