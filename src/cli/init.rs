//! `keydesk init`: writes the built-in definition, every field explained, as a file to start from. Never over another.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::product::DEFAULT;

#[derive(Args)]
pub struct Init {
    /// The file to make.
    #[arg(default_value = "keydesk.toml")]
    file: PathBuf,
}

pub fn run(Init { file }: &Init) -> Result<(), Failure> {
    let name = file.display();
    let made = File::create_new(file).and_then(|mut made| {
        made.write_all(DEFAULT.as_bytes())?;
        made.sync_all()
    });
    match made {
        Ok(()) => {
            println!("{name} is the built-in definition, with every field explained.");
            println!("Change it, run `keydesk check {name}`, and start with `keydesk --product {name}`.");
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(format!("{name} exists; nothing was written. Name another file: keydesk init other.toml").into())
        }
        Err(error) => Err(format!("cannot write {name}: {error}").into()),
    }
}
