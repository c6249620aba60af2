//! The way to a camp: a process of its own, so that hostile clients neither delay the honest ones' clock nor take
//! their descriptors, or a thread where this program cannot be started.
//!
//! Its orders are a line of JSON; it says `ready` when all have begun, and when its orders end, a line with what came of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use super::camp::{Camp, Orders, Told};
use crate::load::failure::{Failure, Outcome, While};
use crate::load::helper::Place;
use crate::load::interrupt::Interrupt;
use crate::load::machine;

/// The word of a camp whose clients have all begun.
const READY: &str = "ready";

/// A camp that is under way.
pub(super) struct Post {
    /// Closed to end it.
    orders: Option<Box<dyn Write + Send>>,
    words: BufReader<Box<dyn Read + Send>>,
    runs: Runs,
}

/// Where it runs. It ends when its orders do.
enum Runs {
    Thread(Option<JoinHandle<Outcome<()>>>),
    Process(Child),
}

impl Post {
    /// Starts a camp, which begins at once.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be started.
    pub(super) fn start(place: &Place, orders: &Orders, interrupt: &Interrupt) -> Outcome<Post> {
        let (mut input, words, runs) = match place {
            Place::Thread => start_thread(interrupt)?,
            Place::ThreadOrProcess(program) => {
                let doing = || format!("cannot start {} hostile-clients", program.display());
                let mut command = Command::new(program);
                command.arg("hostile-clients").stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut child = command.spawn().while_doing(doing())?;
                let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                    return Err(Failure::new(doing()));
                };
                let (input, output): (Box<dyn Write + Send>, Box<dyn Read + Send>) =
                    (Box::new(input), Box::new(output));
                (input, output, Runs::Process(child))
            }
        };
        let mut line = serde_json::to_string(orders).while_doing("cannot write the orders of hostile clients")?;
        line.push('\n');
        let written = input.write_all(line.as_bytes()).and_then(|()| input.flush());
        let post = Post { orders: Some(input), words: BufReader::new(words), runs };
        written.while_doing("the hostile clients take no orders")?;
        Ok(post)
    }

    /// Waits until all have begun and the honest ones are signed in.
    ///
    /// # Errors
    /// [`Failure`] when that does not come about.
    pub(super) fn wait_until_ready(&mut self) -> Outcome<()> {
        let word = self.line()?;
        if word == READY { Ok(()) } else { Err(Failure::new(format!("the hostile clients said {word:?}"))) }
    }

    /// The time that it has been on a core; none where it is a thread of this process.
    ///
    /// # Errors
    /// [`Failure`] when it is gone.
    pub(super) fn cpu_time(&self) -> Outcome<Option<Duration>> {
        match &self.runs {
            Runs::Thread(_) => Ok(None),
            Runs::Process(child) => machine::cpu_time(child.id()).map(Some),
        }
    }

    /// Ends it; what came of it.
    ///
    /// # Errors
    /// [`Failure`] when it does not say.
    pub(super) fn end(mut self) -> Outcome<Told> {
        self.orders = None;
        let told = self.line()?;
        serde_json::from_str(&told).while_doing(format!("the hostile clients said {told:?}"))
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.words.read_line(&mut line).while_doing("the hostile clients do not answer")?;
        if let (true, Runs::Thread(thread)) = (line.is_empty(), &mut self.runs)
            && let Some(Ok(Err(failure))) = thread.take().map(JoinHandle::join)
        {
            return Err(failure);
        }
        if line.is_empty() {
            return Err(Failure::new("the hostile clients have ended; what is wrong stands above"));
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.orders = None;
        match &mut self.runs {
            // It has ended, or does as soon as it looks at its orders; what it says then is of no interest.
            Runs::Thread(thread) => drop(thread.take().map(JoinHandle::join)),
            Runs::Process(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

type Started = (Box<dyn Write + Send>, Box<dyn Read + Send>, Runs);

fn start_thread(interrupt: &Interrupt) -> Outcome<Started> {
    let doing = "cannot start the hostile clients";
    let (orders, input) = std::io::pipe().while_doing(doing)?;
    let (words, output) = std::io::pipe().while_doing(doing)?;
    let interrupt = interrupt.clone();
    let thread = std::thread::Builder::new().name("hostile".to_owned());
    let thread = thread.spawn(move || serve(orders, output, interrupt)).while_doing(doing)?;
    Ok((Box::new(input), Box::new(words), Runs::Thread(Some(thread))))
}

/// Runs the clients in a process of their own, by orders of the load test that started it, and gives way to it and the
/// server on the cores that they share.
///
/// # Errors
/// [`Failure`] when they cannot be run.
pub(in crate::load) fn run_clients(interrupt: &Interrupt) -> Outcome<()> {
    machine::give_way()?;
    serve(std::io::stdin(), std::io::stdout(), interrupt.clone())
}

fn serve(orders: impl Read + Send + 'static, mut words: impl Write, interrupt: Interrupt) -> Outcome<()> {
    let mut lines = BufReader::new(orders);
    let mut line = String::new();
    lines.read_line(&mut line).while_doing("no orders came")?;
    let orders: Orders = serde_json::from_str(&line).while_doing("the orders cannot be read")?;
    let camp = Camp::new(orders, interrupt)?;
    let whistle = camp.whistle();
    let waiting = std::thread::Builder::new().name("orders".to_owned());
    // Whatever comes, or that nothing more does, is the end.
    waiting
        .spawn(move || {
            let _ = lines.read_line(&mut String::new());
            whistle.blow();
        })
        .while_doing("cannot start a thread")?;
    let mut say = |word: &str| {
        writeln!(words, "{word}").and_then(|()| words.flush()).while_doing("nobody hears of the hostile clients")
    };
    let told = camp.run(&mut || say(READY))?;
    say(&serde_json::to_string(&told).while_doing("cannot tell what came of it")?)
}
