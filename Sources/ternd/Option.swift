/// One option of a verb: a row of its table, from which parsing, help and the configuration file come.
struct Option: Sendable {
    /// As on the command line, `--queue`; in a configuration file without the hyphens.
    let name: String
    /// What stands for the value in the help; empty for a flag.
    let placeholder: String
    /// Nil for a value that is no number.
    let range: ClosedRange<Int>?
    /// The value when the option is not given; nil when there is none, or it is no number.
    let standard: Int?
    let help: String
    /// False for what makes no sense in a configuration file.
    let isOfFile: Bool
    /// Whether SIGHUP makes a changed value count, without a restart.
    let isReloaded: Bool

    /// A text: a path, a name, or several of them between commas.
    init(_ name: String, _ placeholder: String, _ help: String, isOfFile: Bool = true, isReloaded: Bool = false) {
        self.init(name: name, placeholder: placeholder, range: nil, standard: nil, help: help, isOfFile: isOfFile, isReloaded: isReloaded)
    }

    /// A whole number; help and refusals name its range.
    init(_ name: String, _ placeholder: String, _ range: ClosedRange<Int>, standard: Int, _ help: String, isReloaded: Bool = false) {
        self.init(name: name, placeholder: placeholder, range: range, standard: standard, help: help, isOfFile: true, isReloaded: isReloaded)
    }

    /// A flag; `yes` or `no` in a file.
    init(flag name: String, _ help: String, isOfFile: Bool = true, isReloaded: Bool = false) {
        self.init(name: name, placeholder: "", range: nil, standard: nil, help: help, isOfFile: isOfFile, isReloaded: isReloaded)
    }

    private init(name: String, placeholder: String, range: ClosedRange<Int>?, standard: Int?, help: String, isOfFile: Bool, isReloaded: Bool) {
        self.name = name
        self.placeholder = placeholder
        self.range = range
        self.standard = standard
        self.help = help
        self.isOfFile = isOfFile
        self.isReloaded = isReloaded
    }

    var isFlag: Bool { placeholder.isEmpty }

    /// The name in a configuration file.
    var key: String { String(name.dropFirst(2)) }

    /// One line of the help, or two when the name is long.
    var helpLine: String {
        var line = "  " + name + (isFlag ? "" : " " + placeholder)
        let column = 22
        line += line.utf8.count + 1 < column ? String(repeating: " ", count: column - line.utf8.count) : "\n" + String(repeating: " ", count: column)
        line += help
        if let range { line += ", \(range.lowerBound) to \(range.upperBound)" }
        if let standard { line += " (default \(standard))" }
        return line + "\n"
    }
}

extension [Option] {
    /// The lines of all, in order.
    var help: String {
        var text = ""
        for option in self { text += option.helpLine }
        return text
    }
}
