using Lema.Engine.Datasets.Tokenizers.PreTokenizers;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Builds the pre-tokenizer that a tokenizer.json describes.</summary>
internal sealed class PreTokenizerReader
{
    private readonly List<PreTokenizer> _parts = [];

    /// <summary>The pre-tokenizer (null where there is none), and whether its words are bytes: its last station is ByteLevel.</summary>
    public static (PreTokenizer? PreTokenizer, bool ByteLevel) Read(JsonPart part)
    {
        if (part.IsNull) return (null, false);
        PreTokenizerReader reader = new();
        List<JsonPart> flat = [.. Flatten(part)];
        for (int index = 0; index < flat.Count; index++) reader.Add(flat[index], index == flat.Count - 1);
        PreTokenizer? built = reader._parts.Count switch { 0 => null, 1 => reader._parts[0], _ => new PreTokenizerSequence(reader._parts) };
        return (built, flat.Count > 0 && flat[^1]["type"].Text() == "ByteLevel");
    }

    private static IEnumerable<JsonPart> Flatten(JsonPart part) =>
        part["type"].Text() == "Sequence" ? part["pretokenizers"].Items().SelectMany(Flatten) : [part];

    private void Add(JsonPart part, bool last)
    {
        switch (part["type"].Text())
        {
            case "ByteLevel":
                _parts.Add(new ByteLevelSplit(part["add_prefix_space"].Flag(true), part["use_regex"].Flag(true)));
                // The model maps the bytes itself; only a pre-tokenizer after this one must see them written out.
                if (!last) _parts.Add(new ByteCharacterMapping());
                break;
            case "Split":
                _parts.Add(new PatternSplit(PatternReader.Read(part["pattern"]), Behavior(part["behavior"]), part["invert"].Flag(false)));
                break;
            case "Digits":
                _parts.Add(CharacterSplit.Digits(part["individual_digits"].Flag(false)));
                break;
            case "Punctuation":
                _parts.Add(CharacterSplit.Punctuation(part["behavior"].IsNull ? SplitBehavior.Isolated : Behavior(part["behavior"])));
                break;
            case "WhitespaceSplit":
                _parts.Add(CharacterSplit.WhitespaceSplit());
                break;
            case "Whitespace":
                _parts.Add(new WordSplit());
                break;
            case "BertPreTokenizer":
                _parts.Add(CharacterSplit.WhitespaceSplit());
                _parts.Add(CharacterSplit.Punctuation(SplitBehavior.Isolated));
                break;
            case "CharDelimiterSplit":
                _parts.Add(CharacterSplit.Delimiter(part["delimiter"].Character(' ')));
                break;
            case "Metaspace":
                _parts.Add(new Metaspace(part["replacement"].Character('▁'), Scheme(part), part["split"].Flag(true)));
                break;
            default:
                throw part.Unsupported("the pre-tokenizer");
        }
    }

    /// <summary>The prepend scheme; files older than it have <c>add_prefix_space</c>.</summary>
    public static PrependScheme Scheme(JsonPart part) =>
        part["prepend_scheme"].IsNull
            ? part["add_prefix_space"].Flag(true) ? PrependScheme.Always : PrependScheme.Never
            : part["prepend_scheme"].Text() switch
            {
                "always" => PrependScheme.Always,
                "first" => PrependScheme.First,
                "never" => PrependScheme.Never,
                string other => throw part["prepend_scheme"].Invalid($"'{other}' is not always, first or never."),
            };

    private static SplitBehavior Behavior(JsonPart part) =>
        Enum.TryParse(part.Text(), ignoreCase: true, out SplitBehavior behavior) && Enum.IsDefined(behavior)
            ? behavior
            : throw part.Invalid($"'{part.Text()}' is not {string.Join(", ", Enum.GetNames<SplitBehavior>())}.");
}
