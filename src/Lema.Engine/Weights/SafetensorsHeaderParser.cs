using System.Text.Json;
using System.Text.Unicode;
using Lema.Engine.Errors;

namespace Lema.Engine.Weights;

/// <summary>
/// Strict parser of a .safetensors header. It refuses what the reference parser refuses, and what that one lets pass although two readers could
/// understand it differently: a name given twice, a tensor given as an array, names that are empty, hold NUL or are over 64 KiB.
/// </summary>
internal ref struct SafetensorsHeaderParser
{
    private const int LongestNameBytes = 65_536;
    private const int LargestRank = 8;
    private const int DeepestNesting = 127;

    // An escaped character takes up to six bytes of JSON for one of text.
    private const int LongestEscapedNameBytes = 6 * LongestNameBytes;

    private readonly string _file;
    private Utf8JsonReader _json;
    private string _tensor = "";

    private SafetensorsHeaderParser(string file, ReadOnlySpan<byte> json)
    {
        _file = file;
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestNesting });
    }

    /// <exception cref="InvalidInputException">The header is not valid; the message names the tensor and the byte of the header.</exception>
    public static (IReadOnlyList<SafetensorsTensor> Tensors, IReadOnlyDictionary<string, string> Metadata) Parse(string file, ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json)) throw new InvalidInputException(file, "header", "is not valid UTF-8");
        SafetensorsHeaderParser parser = new(file, json);
        try
        {
            return parser.Document();
        }
        catch (JsonException error)
        {
            throw parser.Invalid($"is not valid JSON: {error.Message}", error);
        }
        catch (InvalidOperationException error)
        {
            // GetString reports a lone surrogate, written as an escape, this way.
            throw parser.Invalid("holds text that is not valid Unicode", error);
        }
    }

    private (IReadOnlyList<SafetensorsTensor>, IReadOnlyDictionary<string, string>) Document()
    {
        List<SafetensorsTensor> tensors = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        _json.Read();
        Expect(JsonTokenType.StartObject, "the header has to be a JSON object");
        while (ReadUntil(JsonTokenType.EndObject))
        {
            string name = Name();
            if (!names.Add(name)) throw Invalid($"{Quoted.Name(name)} is given twice");
            _json.Read();
            if (name == "__metadata__")
            {
                ReadMetadata(metadata);
                continue;
            }
            _tensor = name;
            tensors.Add(Tensor(name));
            _tensor = "";
        }
        // Everything after the object but white space is an error that the reader itself reports.
        _json.Read();
        return (tensors, metadata);
    }

    private void ReadMetadata(Dictionary<string, string> metadata)
    {
        if (_json.TokenType == JsonTokenType.Null) return;
        Expect(JsonTokenType.StartObject, "__metadata__ has to be an object of strings");
        while (ReadUntil(JsonTokenType.EndObject))
        {
            string key = _json.GetString()!;
            _json.Read();
            Expect(JsonTokenType.String, $"the value of {Quoted.Name(key)} in __metadata__ has to be a string");
            if (!metadata.TryAdd(key, _json.GetString()!)) throw Invalid($"{Quoted.Name(key)} is given twice in __metadata__");
        }
    }

    private SafetensorsTensor Tensor(string name)
    {
        Expect(JsonTokenType.StartObject, "has to be an object");
        string? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (ReadUntil(JsonTokenType.EndObject))
        {
            if (_json.ValueTextEquals("dtype"u8))
            {
                if (dtype is not null) throw Invalid("dtype is given twice");
                dtype = Dtype();
            }
            else if (_json.ValueTextEquals("shape"u8))
            {
                if (shape is not null) throw Invalid("shape is given twice");
                shape = Integers("shape", LargestRank);
            }
            else if (_json.ValueTextEquals("data_offsets"u8))
            {
                if (offsets is not null) throw Invalid("data_offsets is given twice");
                offsets = Integers("data_offsets", 2);
            }
            else
            {
                _json.Skip();
            }
        }
        if (dtype is null) throw Invalid("has no dtype");
        if (shape is null) throw Invalid("has no shape");
        if (offsets is not [long begin, long end]) throw Invalid("has no data_offsets of two integers");
        if (begin > end) throw Invalid($"data_offsets are reversed: {begin} is after {end}");
        long bytes = ByteCount(dtype, shape);
        if (bytes != end - begin) throw Invalid($"data_offsets span {end - begin} bytes, dtype {dtype} and shape [{string.Join(", ", shape)}] need {bytes}");
        return new SafetensorsTensor(name, dtype, shape, begin, end);
    }

    private string Dtype()
    {
        _json.Read();
        Expect(JsonTokenType.String, "dtype has to be a string");
        string dtype = _json.GetString()!;
        return SafetensorsDtype.BitsOf(dtype) is null ? throw Invalid($"unknown dtype {Quoted.Name(dtype)}") : dtype;
    }

    private long[] Integers(string field, int most)
    {
        _json.Read();
        Expect(JsonTokenType.StartArray, $"{field} has to be an array of integers");
        List<long> values = [];
        while (ReadUntil(JsonTokenType.EndArray))
        {
            Expect(JsonTokenType.Number, $"{field} has to hold integers only");
            if (!_json.TryGetInt64(out long value) || value < 0 || _json.ValueSpan[0] == (byte)'-')
                throw Invalid($"{field} has to hold integers from 0 to 2^63 - 1, written without sign, fraction or exponent");
            if (values.Count == most) throw Invalid($"{field} has over {most} entries");
            values.Add(value);
        }
        return [.. values];
    }

    private readonly long ByteCount(string dtype, long[] shape)
    {
        try
        {
            long bits = SafetensorsDtype.BitsOf(dtype)!.Value;
            long elements = 1;
            foreach (long dimension in shape) elements = checked(elements * dimension);
            bits = checked(bits * elements);
            return bits % 8 == 0 ? bits / 8 : throw Invalid($"{elements} elements of {dtype} do not fill whole bytes");
        }
        catch (OverflowException error)
        {
            throw Invalid($"shape [{string.Join(", ", shape)}] overflows", error);
        }
    }

    /// <summary>Whether the next token is another than the end; a text that stops before it is an error that the reader itself reports.</summary>
    private bool ReadUntil(JsonTokenType end)
    {
        _json.Read();
        return _json.TokenType != end;
    }

    private string Name()
    {
        if (_json.ValueSpan.Length > LongestEscapedNameBytes) throw Invalid($"a tensor's name is over {LongestNameBytes} bytes");
        string name = _json.GetString()!;
        if (name.Length == 0) throw Invalid("a tensor's name is empty");
        if (name.Contains('\0')) throw Invalid($"a tensor's name holds NUL: {Quoted.Name(name)}");
        if (System.Text.Encoding.UTF8.GetByteCount(name) > LongestNameBytes) throw Invalid($"a tensor's name is over {LongestNameBytes} bytes");
        return name;
    }

    private readonly void Expect(JsonTokenType token, string problem)
    {
        if (_json.TokenType != token) throw Invalid(problem);
    }

    private readonly InvalidInputException Invalid(string problem, Exception? inner = null)
    {
        string place = $"header byte {_json.TokenStartIndex}";
        return new InvalidInputException(_file, _tensor.Length == 0 ? place : $"{place}, tensor {Quoted.Name(_tensor)}", problem, inner);
    }
}
