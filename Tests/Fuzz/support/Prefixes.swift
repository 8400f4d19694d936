import Glibc

/// Runs the prefixes of the files named by TERN_FUZZ_PREFIXES, one a line, and ends; without the variable it does nothing.
///
/// Every prefix of a file up to 16 KiB. Of a longer one every prefix up to 4 KiB, where the headers are, the last 256, and 2,048 in between at equal distance:
/// all of them would cost the square of the byte count.
@_cdecl("LLVMFuzzerInitialize")
public func initialise(_ count: UnsafeMutablePointer<CInt>?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    guard let list = getenv("TERN_FUZZ_PREFIXES") else { return 0 }
    var runCount = 0
    for line in String(cString: list).split(separator: "\n") {
        let path = String(line)
        guard let bytes = contents(path) else {
            print("cannot read \(path)")
            exit(66)
        }
        for byteCount in prefixes(bytes.count) {
            // A block of its own: AddressSanitizer sees the first byte read past it.
            let block = UnsafeMutablePointer<UInt8>.allocate(capacity: max(byteCount, 1))
            bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { block.update(from: start, count: byteCount) } }
            let start = seconds()
            _ = testOneInput(UnsafePointer(block), byteCount)
            let elapsed = seconds() - start
            block.deallocate()
            runCount += 1
            guard elapsed <= 1 else {
                print("\(path): the first \(byteCount) bytes take \(elapsed) s")
                exit(1)
            }
        }
    }
    print("\(runCount) prefixes, none takes more than a second")
    exit(0)
}

private func prefixes(_ count: Int) -> [Int] {
    guard count > 16_384 else { return Array(0...count) }
    let between = stride(from: 4_096, to: count - 256, by: max((count - 4_352) / 2_048, 1))
    return Array(0..<4_096) + Array(between) + Array((count - 256)...count)
}

private func contents(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: ftell(file))
    rewind(file)
    return fread(&bytes, 1, bytes.count, file) == bytes.count ? bytes : nil
}

private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
