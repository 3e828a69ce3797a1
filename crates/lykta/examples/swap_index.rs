//! Takes a newer index into use while queries run: no query waits for it, none sees half of it.
//!
//! Run with `cargo run -p lykta --example swap_index`.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use lykta::{BuildOptions, Builder, Hash, Index, ListOptions, Options, Scanner, add_list};

const OLD: &str = "id,md5\nold,00000000000000000000000000000001\n";
const NEW: &str = "id,md5\nold,00000000000000000000000000000001\nnew,00000000000000000000000000000002\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("list.lykta");
    build(OLD, &path)?;
    let current = RwLock::new(Arc::new(Index::open(&path)?));
    let added: Hash = "md5:00000000000000000000000000000002".parse()?;

    let asked = thread::scope(|scope| -> Result<u64, Box<dyn std::error::Error>> {
        // Each thread asks until it is answered from the new list; not for ever, should that fail.
        let ask = || (1..10_000_000).find(|_| is_known(&current, &added)).unwrap_or_default();
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();

        // The new file takes the place of the old one, which stays readable for whoever has it open.
        build(NEW, &path)?;
        let newer = Index::open(&path)?;
        // Before it is used: a file that was damaged on its way must not replace one that was not.
        newer.verify()?;
        println!("taking {} entries into use", newer.entry_count());
        *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer);

        threads.into_iter().map(|thread| thread.join().map_err(|_| "a query panicked".into())).sum()
    })?;
    println!("the new entry was found by 3 threads after {asked} queries");
    Ok(())
}

/// The lock is held only to take a reference: a query goes on with the index that it began with.
fn is_known(current: &RwLock<Arc<Index>>, hash: &Hash) -> bool {
    let index = Arc::clone(&current.read().unwrap_or_else(PoisonError::into_inner));
    let scanner = Scanner::new(&index, Options::default());
    !scanner.look_up(&[*hash])[0].matches.is_empty()
}

fn build(list: &str, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Builder::new(BuildOptions::default());
    add_list(
        &mut builder,
        &ListOptions { name: "list.csv".into(), ..ListOptions::default() },
        list.as_bytes(),
    )?;
    builder.write(path)?;
    Ok(())
}
