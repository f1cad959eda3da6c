//! Compresses what a browser asks for, to be embedded beside the files themselves: the files of `static/`, and those of
//! `static/style/` as the one stylesheet that they are. Nothing is compressed while somebody waits.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=static");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names a folder"));
    let style = files("static/style")?.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    let mut table = row(&folder, "keydesk.css", &style.concat())?;
    for file in files("static")? {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name in ASCII");
        table += &row(&folder, name, &fs::read(&file)?)?;
    }
    fs::write(folder.join("compressed.rs"), format!("[\n{table}]\n"))
}

/// In the order of their names, folders aside.
fn files(folder: &str) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<_> = entries.into_iter().filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// Compresses a file, and gives its row of the table: its name, and what `include_bytes` makes of it.
fn row(folder: &Path, name: &str, content: &[u8]) -> io::Result<String> {
    let mut small = GzEncoder::new(Vec::new(), Compression::best());
    small.write_all(content)?;
    fs::write(folder.join(format!("{name}.gz")), small.finish()?)?;
    Ok(format!("    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\"))),\n"))
}
