import TernStore

/// The words after a verb, sorted into options, flags and operands.
struct Arguments {
    private var values: [(name: String, value: String)] = []
    private var flags: [String] = []
    private(set) var operands: [String] = []
    let verb: String
    /// Empty for a verb without a table.
    private var table: [Option] = []
    /// Where the options of the configuration file stand there.
    private var lines: [(name: String, line: Int)] = []

    /// Reads `--name value`, `--name=value`, `--flag` and operands; after `--` everything is an operand.
    ///
    /// - Throws: `Failure` with code 64 for an unknown or repeated option, or a missing value.
    init(_ words: [String], verb: String, options: [String], flags allowed: [String]) throws(Failure) {
        self.verb = verb
        var index = 0
        var isOptions = true
        while index < words.count {
            let word = words[index]
            index += 1
            guard isOptions, word.utf8.count > 1, word.utf8.first == 0x2D else {
                operands.append(word)
                continue
            }
            if word == "--" {
                isOptions = false
                continue
            }
            let (name, attached) = Self.split(word)
            if allowed.contains(name), attached == nil {
                flags.append(name)
                continue
            }
            guard options.contains(name) else {
                // The verb is the first word.
                throw Failure(.usage, "\(verb): unknown option\(Self.harmless(name)) at word \(index + 1); see ternd \(verb) --help")
            }
            guard !values.contains(where: { $0.name == name }) else { throw Failure(.usage, "\(verb): \(name) is given twice") }
            if let attached {
                values.append((name, attached))
            } else {
                guard index < words.count else { throw Failure(.usage, "\(verb): \(name) needs a value") }
                values.append((name, words[index]))
                index += 1
            }
        }
    }

    /// Reads the options of a table: first from the words, then what these leave open from the file that `--config` names.
    ///
    /// - Throws: `Failure` as the other, and for a number that is none or outside its range; one of the file names the line.
    init(_ words: [String], verb: String, table: [Option]) throws(Failure) {
        try self.init(words, verb: verb, options: table.filter { !$0.isFlag }.map { $0.name }, flags: table.filter { $0.isFlag }.map { $0.name })
        self.table = table
        if let path = value("--config") {
            for setting in try readConfig(path) { try take(setting) }
        }
        for option in table where option.range != nil { _ = try number(option.name) }
    }

    private mutating func take(_ setting: SettingsFile.Setting) throws(Failure) {
        guard let option = table.first(where: { $0.isOfFile && $0.key == setting.key }) else { throw .config(setting.line, "no option of that name") }
        if option.isFlag {
            guard ["yes", "no"].contains(setting.value) else { throw .config(setting.line, "\(option.key) is yes or no") }
            if setting.value == "yes", !has(option.name) { flags.append(option.name) }
        } else if value(option.name) == nil {
            values.append((option.name, setting.value))
            lines.append((option.name, setting.line))
        }
    }

    /// The options of the table whose value is another than in `start` and which SIGHUP does not change.
    func heldBack(since start: Arguments) -> [String] {
        table.filter { !$0.isReloaded && (value($0.name) != start.value($0.name) || has($0.name) != start.has($0.name)) }.map { $0.name }
    }

    /// The option as a refusal names it: with its line when its value comes from the file.
    func place(_ name: String) -> String {
        guard let line = lines.first(where: { $0.name == name })?.line else { return "\(verb): \(name)" }
        return "config: line \(line): \(name.dropFirst(2))"
    }

    /// The value of an option of the table that has a range, or its standard.
    func number(_ name: String) throws(Failure) -> Int {
        guard let option = table.first(where: { $0.name == name }), let range = option.range, let standard = option.standard else {
            throw Failure(.ourFault, "\(name) is no number of the table")
        }
        return try number(name, range, standard: standard)
    }

    private static func split(_ word: String) -> (name: String, value: String?) {
        let bytes = Array(word.utf8)
        guard let mark = bytes.firstIndex(of: 0x3D) else { return (word, nil) }
        return (String(decoding: bytes[..<mark], as: UTF8.self), String(decoding: bytes[(mark + 1)...], as: UTF8.self))
    }

    /// A space and the name when it can be repeated in a message. A file name that begins with a hyphen is read as an option, and names of image
    /// files may carry names of people: only what looks like an option of ours is repeated.
    private static func harmless(_ name: String) -> String {
        let isPlain = name.utf8.count <= 24 && name.utf8.allSatisfy { $0 == 0x2D || (0x61...0x7A).contains($0) }
        return isPlain ? " " + name : ""
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }

    func value(_ name: String) -> String? { values.first { $0.name == name }?.value }

    func required(_ name: String) throws(Failure) -> String {
        guard let value = value(name) else { throw Failure(.usage, "\(verb): \(name) is missing; see ternd \(verb) --help") }
        return value
    }

    /// A whole number inside a range; `standard` when the option is not given.
    func number(_ name: String, _ range: ClosedRange<Int>, standard: Int) throws(Failure) -> Int {
        guard let text = value(name) else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw Failure(.usage, "\(place(name)) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func refuseOperands() throws(Failure) {
        if !operands.isEmpty { throw Failure(.usage, "\(verb): takes no operands; see ternd \(verb) --help") }
    }
}
