import TernEngine
import TernKernels
import TernModel

extension NamedOperation {
    /// The operation's kind in words, for profiles.
    var kindName: String {
        switch operation {
        case .patches: "patches"
        case .fill: "fill"
        case .layerNorm: "layer norm"
        case .linear: "linear"
        case .attention: "attention"
        case .meanPool: "mean pool"
        }
    }

    /// The name without what tells repeated blocks apart: `blocks.3.attn.qkv` becomes `blocks.*.attn.qkv`.
    var layerName: String {
        var parts: [[UInt8]] = [[]]
        for byte in name.utf8 {
            if byte == UInt8(ascii: ".") { parts.append([]) } else { parts[parts.count - 1].append(byte) }
        }
        var layer: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if index > 0 { layer.append(UInt8(ascii: ".")) }
            if part.allSatisfy({ $0 >= 48 && $0 <= 57 }) { layer.append(UInt8(ascii: "*")) } else { layer += part }
        }
        return String(decoding: layer, as: UTF8.self)
    }
}

/// What operations that are shown in one line took together.
private struct Share {
    var name: String
    var count = 0
    var nanoseconds: UInt64 = 0
    var multiplyAddCount = 0
    var byteCount = 0
    /// Of a linear layer, before its products.
    var readyNanoseconds: UInt64 = 0

    init(name: String) { self.name = name }

    mutating func add(_ other: Share) {
        count += 1
        readyNanoseconds += other.readyNanoseconds
        nanoseconds += other.nanoseconds
        multiplyAddCount += other.multiplyAddCount
        byteCount += other.byteCount
    }
}

extension Bench {
    /// The profile for people: a line per operation, then per layer over all blocks, then per kind.
    func table() -> String {
        let operations = engine.model.operations
        let peak = peakMultiplyAddsPerSecond / 1e9 * Double(engine.threadCount)
        let median = times[times.count / 2]
        let rate = Double(engine.multiplyAddCount) / Double(max(median, 1))
        var text = """
            \(engine.model.header.name) \(engine.model.header.version), \(engine.instructionSet.name), threads \(engine.threadCount): median \
            \(decimal(Double(median) / 1e6, 3)) ms of \(times.count), \(decimal(Double(engine.multiplyAddCount) / 1e9, 3)) GMAC, \
            \(decimal(rate, 1)) GMAC/s; the instruction alone \(decimal(peak, 1)) GMAC/s

            """
        var single: [Share] = [], layers: [Share] = [], kinds: [Share] = []
        var whole = Share(name: "all")
        for (index, time) in operationTimes.enumerated() {
            var share = Share(name: operations[index].name)
            share.count = 1
            share.nanoseconds = time
            share.multiplyAddCount = engine.multiplyAddCount(ofOperation: index)
            share.byteCount = engine.trafficByteCount(ofOperation: index)
            share.readyNanoseconds = operationReadyTimes[index]
            single.append(share)
            add(to: &layers, operations[index].layerName, share)
            add(to: &kinds, operations[index].kindName, share)
            whole.add(share)
        }
        for (title, shares) in [("operation", single), ("layer", layers), ("kind", kinds + [whole])] {
            text += "\n" + row([title, "count", "us", "share", "ready us", "GMAC/s", "of peak", "kB", "GB/s"])
            for share in shares { text += row(cells(share, of: whole, peak: peak)) }
        }
        return text
    }

    private func add(to shares: inout [Share], _ name: String, _ share: Share) {
        for index in shares.indices where shares[index].name == name {
            shares[index].add(share)
            return
        }
        shares.append(Share(name: name))
        shares[shares.count - 1].add(share)
    }

    private func cells(_ share: Share, of whole: Share, peak: Double) -> [String] {
        let time = Double(max(share.nanoseconds, 1))
        let rate = Double(share.multiplyAddCount) / time
        return [
            share.name, "\(share.count)", decimal(time / 1e3, 1), decimal(100 * time / Double(max(whole.nanoseconds, 1)), 1) + " %",
            share.readyNanoseconds == 0 ? "" : decimal(Double(share.readyNanoseconds) / 1e3, 1),
            share.multiplyAddCount == 0 ? "" : decimal(rate, 1), share.multiplyAddCount == 0 ? "" : decimal(100 * rate / max(peak, 1e-9), 1) + " %",
            decimal(Double(share.byteCount) / 1e3, 1), decimal(Double(share.byteCount) / time, 2),
        ]
    }

    /// A name of at most 31 characters, then columns of numbers that end together.
    private func row(_ cells: [String]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let width = index == 0 ? 32 : 10
            if index == 0 { line += cell }
            for _ in 0..<max(0, width - cell.utf8.count) { line += " " }
            if index > 0 { line += cell }
        }
        return line + "\n"
    }
}

/// A number with a fixed count of decimals, 0 ... 3.
private func decimal(_ value: Double, _ decimals: Int) -> String {
    var unit = 1
    for _ in 0..<decimals { unit *= 10 }
    let scaled = Int((value * Double(unit)).rounded())
    if decimals == 0 { return "\(scaled)" }
    var fraction = "\(scaled % unit)"
    while fraction.utf8.count < decimals { fraction = "0" + fraction }
    return "\(scaled / unit)." + fraction
}
