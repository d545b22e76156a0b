//! A volume as the kubelet writes it, for the tests here and of the parts that reload.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Does what the kubelet's AtomicWriter does, step by step.
pub(crate) struct Volume {
    folder: tempfile::TempDir,
    swaps: u32,
}

impl Volume {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut volume = Self { folder, swaps: 0 };
        volume.swap(files);
        volume
    }

    /// The path that a container sees: a symlink through `..data`.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    /// Writes a new folder, renames `..data` over to it, deletes the old folder.
    pub(crate) fn swap(&mut self, files: &[(&str, &[u8])]) {
        self.swaps += 1;
        let version = format!("..2025_11_23_18_00_0{}.4711", self.swaps);
        let data = self.root().join("..data");
        let old = fs::read_link(&data).ok();
        fs::create_dir(self.root().join(&version)).unwrap();
        for (name, content) in files {
            fs::write(self.root().join(&version).join(name), content).unwrap();
        }
        symlink(&version, self.root().join("..data_tmp")).unwrap();
        fs::rename(self.root().join("..data_tmp"), &data).unwrap();
        for (name, _) in files {
            let _exists_after_the_first_swap =
                symlink(Path::new("..data").join(name), self.path(name));
        }
        if let Some(old) = old {
            fs::remove_dir_all(self.root().join(old)).unwrap();
        }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }
}
