/// Numbers of users and groups by name, from the system's own files: a static program asks no other service.
public enum SystemNames {
    /// The number of a user of /etc/passwd; digits are the number itself. Nil when there is no such name.
    public static func user(_ name: String) -> Int? { number(of: name, in: "/etc/passwd") }

    /// The number of a group of /etc/group; digits are the number itself. Nil when there is no such name.
    public static func group(_ name: String) -> Int? { number(of: name, in: "/etc/group") }

    /// The last number stands for nobody.
    private static let limit = Int(UInt32.max)

    private static func number(of name: String, in path: String) -> Int? {
        if let number = Int(name) { return (0..<limit).contains(number) ? number : nil }
        let wanted = Array(name.utf8)
        guard !wanted.isEmpty, let text = try? readFile(path, limitByteCount: 16 << 20) else { return nil }
        for line in text.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, maxSplits: 3, omittingEmptySubsequences: false)
            if fields.count == 4, fields[0].elementsEqual(wanted) { return Int(String(decoding: fields[2], as: UTF8.self)) }
        }
        return nil
    }
}
