using TorchSharp;

namespace Lema.Engine.Weights;

/// <summary>Element types of the .safetensors format, by their names in a header.</summary>
public static class SafetensorsDtype
{
    private static readonly Dictionary<string, (int Bits, torch.ScalarType? Type)> Known = new(StringComparer.Ordinal)
    {
        ["BOOL"] = (8, torch.ScalarType.Bool),
        ["F4"] = (4, null),
        ["F6_E2M3"] = (6, null),
        ["F6_E3M2"] = (6, null),
        ["U8"] = (8, torch.ScalarType.Byte),
        ["I8"] = (8, torch.ScalarType.Int8),
        ["F8_E5M2"] = (8, null),
        ["F8_E4M3"] = (8, null),
        ["F8_E8M0"] = (8, null),
        ["F8_E4M3FNUZ"] = (8, null),
        ["F8_E5M2FNUZ"] = (8, null),
        ["I16"] = (16, torch.ScalarType.Int16),
        ["U16"] = (16, null),
        ["F16"] = (16, torch.ScalarType.Float16),
        ["BF16"] = (16, torch.ScalarType.BFloat16),
        ["I32"] = (32, torch.ScalarType.Int32),
        ["U32"] = (32, null),
        ["F32"] = (32, torch.ScalarType.Float32),
        ["C64"] = (64, torch.ScalarType.ComplexFloat32),
        ["F64"] = (64, torch.ScalarType.Float64),
        ["I64"] = (64, torch.ScalarType.Int64),
        ["U64"] = (64, null),
    };

    private static readonly Dictionary<torch.ScalarType, string> Names =
        Known.Where(pair => pair.Value.Type is not null).ToDictionary(pair => pair.Value.Type!.Value, pair => pair.Key);

    /// <summary>Bits of one element, or null for a name that the format does not know.</summary>
    public static int? BitsOf(string dtype) => Known.TryGetValue(dtype, out var known) ? known.Bits : null;

    /// <summary>The tensor type that holds the elements; null where libtorch has none that Lema computes with.</summary>
    public static torch.ScalarType? ScalarTypeOf(string dtype) => Known.TryGetValue(dtype, out var known) ? known.Type : null;

    /// <summary>Name in a header of a tensor type.</summary>
    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static string NameOf(torch.ScalarType type) =>
        Names.TryGetValue(type, out string? name) ? name : throw new ArgumentException($"{type} has no .safetensors name.", nameof(type));
}
