import TernPlatform

/// A checkpoint under timm's names; remembers which tensors were read, so that none is dropped silently.
struct Checkpoint {
    private let file: Safetensors
    private let entryByName: [String: Safetensors.Entry]
    private var read: Set<String> = []

    init(_ file: Safetensors) throws(ConvertError) {
        self.file = file
        var entries: [String: Safetensors.Entry] = [:]
        for entry in file.entries {
            guard let name = TensorNames.canonical(entry.name) else { continue }
            if let first = entries[name] {
                throw .duplicateTensor(name: name, first: first.name, second: entry.name)
            }
            entries[name] = entry
        }
        entryByName = entries
    }

    func contains(_ name: String) -> Bool { entryByName[name] != nil }

    func shape(_ name: String) throws(ConvertError) -> [Int] {
        guard let entry = entryByName[name] else { throw .missingTensor(name) }
        return entry.shape
    }

    /// The values of a tensor whose element count must be the product of `dimensions`; leading dimensions of 1 may differ.
    mutating func values(_ name: String, _ dimensions: Int...) throws(ConvertError) -> [Float] {
        guard let entry = entryByName[name] else { throw .missingTensor(name) }
        guard entry.shape.filter({ $0 != 1 }) == dimensions.filter({ $0 != 1 }) else {
            throw .shape(tensor: entry.name, expected: "\(dimensions)", found: entry.shape)
        }
        read.insert(name)
        do { return try file.values(of: entry) } catch { throw .checkpoint(error) }
    }

    /// Marks a tensor as known and not needed.
    mutating func discard(_ name: String) { read.insert(name) }

    mutating func valuesIfPresent(_ name: String, _ count: Int) throws(ConvertError) -> [Float]? {
        contains(name) ? try values(name, count) : nil
    }

    /// Refuses a checkpoint with tensors that nothing has read.
    func requireAllRead() throws(ConvertError) {
        let left = entryByName.filter { !read.contains($0.key) }.map(\.value.name).sorted()
        guard left.isEmpty else { throw .unknownTensors(left) }
    }
}
