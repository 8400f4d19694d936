/// Writes the Prometheus text format, version 0.0.4: families, each with its samples behind it. No call is inlined, which keeps the program small.
struct MetricsText {
    private var bytes: [UInt8] = []
    /// Of the family under way.
    private var name = ""

    /// The text so far.
    var utf8: [UInt8] { bytes }

    @inline(never)
    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Begins a family: its name, `counter`, `gauge` or `histogram`, and what it is in words.
    @inline(never)
    mutating func family(_ name: String, _ kind: String, _ help: String) {
        self.name = name
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"] { put(part) }
    }

    /// A sample of the family: a number as text. `labels` are as `label` writes them, with commas between them.
    @inline(never)
    mutating func sample(_ value: String, labels: String = "", suffix: String = "") {
        put(name)
        put(suffix)
        if !labels.utf8.isEmpty { for part in ["{", labels, "}"] { put(part) } }
        for part in [" ", value, "\n"] { put(part) }
    }

    @inline(never)
    mutating func sample(_ value: Int, labels: String = "", suffix: String = "") { sample(String(value), labels: labels, suffix: suffix) }

    /// A family of one sample.
    @inline(never)
    mutating func single(_ name: String, _ kind: String, _ help: String, _ value: Int) {
        family(name, kind, help)
        sample(value)
    }

    /// `name="value"`: the reverse solidus and the quotation mark are escaped. A model file has no line ends in its names.
    @inline(never)
    static func label(_ name: String, _ value: String) -> String {
        var bytes = Array(name.utf8)
        bytes.append(0x3D)
        bytes.append(0x22)
        for byte in value.utf8 {
            if byte == 0x22 || byte == 0x5C { bytes.append(0x5C) }
            bytes.append(byte)
        }
        bytes.append(0x22)
        return String(decoding: bytes, as: UTF8.self)
    }
}
