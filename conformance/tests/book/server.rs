//! A server on loopback: the files of the book and of the API documentation, and the mail of the page that searches.

use crate::Built;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The text that a page has sent by `POST`.
    pub(crate) posted: mpsc::Receiver<String>,
}

struct Site {
    built: Built,
    /// The text of `/search.html` and of `/questions`.
    page: &'static str,
    questions: String,
    posted: mpsc::Sender<String>,
}

impl Server {
    /// Serves until the program ends.
    pub(crate) fn start(built: Built, page: &'static str, questions: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, posted) = mpsc::channel();
        let site = Arc::new(Site {
            built,
            page,
            questions,
            posted: sender,
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = Arc::clone(&site);
                // A browser that closes a connection early is no failure.
                thread::spawn(move || site.answer(&stream).unwrap_or_default());
            }
        });
        Ok(Self { address, posted })
    }
}

impl Site {
    /// Answers one request, and closes the connection.
    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next(), words.next().unwrap_or_default());
        let (path, _) = target.split_once('?').unwrap_or((target, ""));
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap_or_default();
                }
            }
        }
        let found = match (method, path) {
            (Some("POST"), _) => {
                let mut text = String::new();
                reader.take(length).read_to_string(&mut text)?;
                // Nobody waits for it any more if the test has failed.
                let _ = self.posted.send(text);
                Some(Vec::new())
            }
            (_, "/search.html") => Some(self.page.into()),
            (_, "/questions") => Some(self.questions.clone().into()),
            (_, path) => self.file(path).and_then(|path| fs::read(path).ok()),
        };
        let status = if found.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        let body = found.unwrap_or_default();
        let mut stream = stream;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            media_type(path),
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)
    }

    /// The file of an address: below `/book` or below `/api`.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let (root, below) = match path.strip_prefix("/book/") {
            Some(below) => (&self.built.book, below),
            None => (&self.built.api, path.strip_prefix("/api/")?),
        };
        let inside = below.split('/').all(|name| name != "..");
        inside.then(|| root.join(below))
    }
}

fn media_type(path: &str) -> &'static str {
    let extension = Path::new(path).extension();
    match extension.and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
