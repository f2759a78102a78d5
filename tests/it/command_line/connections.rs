//! Connections that say nothing, or half of something, to the program itself.

use super::*;

/// Half of the time that the program gives to requests that run when it is told to end.
const PROMPTLY: Duration = Duration::from_secs(17);

fn ping(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

on_an_empty_database! {
    async fn half_a_request_does_not_hold_up_the_end(place: Place) {
        let serving = Serving::start(&mut place.command(&["serve"]));
        let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        let halves = [String::new(), "POST /gra".to_owned(), head.to_owned(), format!("{head}Content-Length: 99\r\n\r\n{{")];
        let open = halves.map(|half| {
            let mut stream = TcpStream::connect(serving.address).unwrap();
            stream.write_all(half.as_bytes()).unwrap();
            stream
        });
        // Connections are taken in turn: when a later one is answered, those are there.
        assert!(ping(serving.address).starts_with("HTTP/1.1 200"));
        let since = Instant::now();
        assert_eq!(serving.end(), Some(0));
        assert!(since.elapsed() < PROMPTLY, "it took {:?}", since.elapsed());
        drop(open);
    }

    async fn three_hundred_silent_connections_keep_no_client_out(place: Place) {
        // Fewer files may be open than there are connections, so that the last ones are not even accepted at first.
        let command = place.command(&["serve", "--header-timeout", "1"]);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -n 200 && exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        limited.current_dir(command.get_current_dir().unwrap());
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let serving = Serving::start(&mut limited);
        let silent: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(serving.address).unwrap()).collect();
        assert!(ping(serving.address).starts_with("HTTP/1.1 200"));
        drop(silent);
        assert_eq!(serving.end(), Some(0));
    }
}
