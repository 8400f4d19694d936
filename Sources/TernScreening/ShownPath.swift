public import TernPlatform

/// A path as text: itself where it is UTF-8, else with every byte above 0x7E as `\xHH`.
public func shownPath(_ path: PathBytes) -> String {
    let text = String(decoding: path, as: UTF8.self)
    if text.utf8.elementsEqual(path) { return text }
    var ascii: [UInt8] = []
    for byte in path {
        if byte < 0x7F {
            ascii.append(byte)
        } else {
            ascii.append(0x5C)
            ascii.append(0x78)
            for digit in [byte >> 4, byte & 15] { ascii.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
        }
    }
    return String(decoding: ascii, as: UTF8.self)
}
