/// The inputs of golden vectors that a file gives by a seed, Models/FORMAT.md section 6: the same values on every machine.
public enum GoldenGenerator {
    /// Value `index` of the input with this seed: a multiple of 2^-22 in -2 ..< 2, computed exactly.
    ///
    /// - Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", figure 16 (SplitMix64).
    public static func value(seed: UInt64, index: Int) -> Float {
        var bits = seed &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        return Float(bits >> 40) * 0x1p-22 - 2
    }
}
