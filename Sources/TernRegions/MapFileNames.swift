/// The labels of one image as parts of the names of files, one for each label, no two alike.
///
/// Capitals are made small, and what is neither letter nor digit of ASCII is a hyphen. A label whose name an earlier one has taken this way gets a hyphen
/// and its place in `labels`, first is 1: of `a b` and `a-b`, `a-b` and `a-b-2`.
///
/// - Cost: grows with the square of the labels.
public func mapFileNames(of labels: [String]) -> [String] {
    let plain = labels.map { label in label.utf8.map(fileNameByte) }
    var taken: [[UInt8]] = []
    for (index, name) in plain.enumerated() {
        var own = name
        // A longer name may be that of another label, or have been given already.
        while taken.contains(own) || own != name && plain.contains(own) { own += Array("-\(index + 1)".utf8) }
        taken.append(own)
    }
    return taken.map { String(decoding: $0, as: UTF8.self) }
}

private func fileNameByte(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x30...0x39, 0x61...0x7A: byte
    case 0x41...0x5A: byte | 0x20
    default: 0x2D
    }
}
