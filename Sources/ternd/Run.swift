import TernPlatform

/// The version of this program.
let programVersion = "0.1.0"

/// Runs one command line.
func run(_ arguments: [String]) -> ExitCode {
    Process.ignoreSignalsOfOutput()
    do throws(Failure) {
        guard let verb = arguments.first else { throw Failure(.usage, "no verb; ternd --help lists them") }
        let rest = Array(arguments.dropFirst())
        if ["--help", "-h", "help"].contains(verb) {
            try put(helpOverview)
            return .ok
        }
        if verb == "--version" {
            try put("ternd \(programVersion)\n")
            return .ok
        }
        guard let command = Command(rawValue: verb) else { throw Failure(.usage, "no verb of that name; ternd --help lists them") }
        if rest.contains("--help") || rest.contains("-h") {
            try put(command.help)
            return .ok
        }
        return try command.run(rest)
    } catch {
        say(error.message, .error)
        return error.code
    }
}

/// The verbs.
enum Command: String {
    case infer
    case screen
    case serve
    case info
    case selftest
    case bench
    case model

    func run(_ words: [String]) throws(Failure) -> ExitCode {
        switch self {
        case .infer: try runInfer(words)
        case .screen: try runScreen(words)
        case .serve: try runServe(words)
        case .info: try runInfo(words)
        case .selftest: try runSelftest(words)
        case .bench: try runBench(words)
        case .model: try runModel(words)
        }
    }
}
