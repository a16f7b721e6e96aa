using Lema.Engine.Models.Configuration;

namespace Lema.Engine.Tests.Models.Configuration;

/// <summary>Heads, layer types and rotary settings as configs describe them.</summary>
public sealed class LayerConfigurationTests
{
    private const int Width = 8;

    [Theory]
    [InlineData("""{"hidden_size":64,"num_attention_heads":4}""", 4, 4, 16)]
    [InlineData("""{"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":32}""", 4, 2, 32)]
    [InlineData("""{"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":null}""", 4, 4, 16)]
    public void Heads_HaveTheDefaultsOfMostFamilies(string json, int count, int keys, int width) => Assert.Equal(new(count, keys, width), HeadSettings.Read(ConfigReaderTests.Read(json)));

    [Fact]
    public void Heads_TakeTheFamilysDefaultWhereAFieldIsAbsent() =>
        Assert.Equal(new(4, 2, 10), HeadSettings.Read(ConfigReaderTests.Read("""{"hidden_size":64,"num_attention_heads":4}"""), defaultWidth: 10, defaultKeys: 2));

    [Theory]
    [InlineData("""{"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":3}""", "does not divide the 4 attention heads")]
    [InlineData("""{"hidden_size":65,"num_attention_heads":4}""", "does not divide hidden_size 65")]
    [InlineData("""{"hidden_size":12,"num_attention_heads":4}""", "head_dim: is 3; rotary positions need an even number")]
    [InlineData("""{"hidden_size":64,"num_attention_heads":4,"head_dim":5}""", "head_dim: is 5")]
    public void Heads_ThatDoNotFit_AreAProblem(string json, string problem) => ConfigReaderTests.Refused(json, config => HeadSettings.Read(config), problem);

    [Fact]
    public void Types_ThatAreNotGiven_FollowTheFamilysRule() =>
        Assert.Equal(["a", "b", "a"], LayerTypes.Read(ConfigReaderTests.Read("""{"num_hidden_layers":3}"""), block => block % 2 == 0 ? "a" : "b", "a", "b"));

    [Theory]
    [InlineData("""{"num_hidden_layers":3,"layer_types":["a","a"]}""", "has 2 entries for 3 layers")]
    [InlineData("""{"num_hidden_layers":2,"layer_types":["a","c"]}""", "'c' is not implemented; supported: a")]
    public void Types_ThatDoNotFit_AreAProblem(string json, string problem) => ConfigReaderTests.Refused(json, config => LayerTypes.Read(config, _ => "a", "a"), problem);

    [Theory]
    [InlineData("{}", 9)]
    [InlineData("""{"sliding_window":4}""", 4)]
    [InlineData("""{"sliding_window":null}""", null)]
    public void Window_IsTheFamilysOnlyWhereTheFieldIsAbsent(string json, int? window) => Assert.Equal(window, LayerTypes.Window(ConfigReaderTests.Read(json), 9));

    [Theory]
    [InlineData("""{"num_hidden_layers":2,"use_sliding_window":true,"sliding_window":4}""", null, 4)]
    [InlineData("""{"num_hidden_layers":2,"use_sliding_window":false,"sliding_window":4}""", null, null)]
    [InlineData("""{"num_hidden_layers":2,"use_sliding_window":true,"sliding_window":null}""", null, null)]
    [InlineData("""{"num_hidden_layers":2,"use_sliding_window":true,"sliding_window":4,"layer_types":["sliding_attention","full_attention"]}""", 4, null)]
    public void OptionalWindows_SlideOnlyWhereTheyAreUsed(string json, int? first, int? second) =>
        Assert.Equal([first, second], LayerTypes.OptionalWindows(ConfigReaderTests.Read(json), 9, block => block == 1));

    [Theory]
    [InlineData("{}", 10_000)]
    [InlineData("""{"rope_theta":5}""", 5)]
    [InlineData("""{"rope_parameters":{"rope_theta":6}}""", 6)]
    [InlineData("""{"rope_theta":5,"rope_scaling":{}}""", 5)]
    [InlineData("""{"rope_theta":5,"rope_parameters":{"rope_theta":6},"rope_scaling":{"type":"linear","factor":2}}""", 5)]
    public void Rotary_ThetaComesFromEitherLayout(string json, double theta) => Assert.Equal(theta, Rotary(json).Theta);

    [Fact]
    public void Rotary_OfALayerType_ReadsItsSection()
    {
        const string Json = """{"rope_parameters":{"full":{"rope_theta":7},"rope_theta":8}}""";
        Assert.Equal(7, RotaryConfiguration.Read(ConfigReaderTests.Read(Json), Width, 10_000, "full").Theta);
        Assert.Equal(8, RotaryConfiguration.Read(ConfigReaderTests.Read(Json), Width, 10_000, "sliding").Theta);
        Assert.Equal(10_000, RotaryConfiguration.Read(ConfigReaderTests.Read("{}"), Width, 10_000, "full").Theta);
    }

    [Theory]
    [InlineData("""{"partial_rotary_factor":0.5}""", 4)]
    [InlineData("""{"rope_parameters":{"partial_rotary_factor":0.25}}""", 2)]
    public void Rotary_OfAPart_TurnsThatManyDimensions(string json, int dimensions) =>
        Assert.Equal(dimensions, RotaryConfiguration.Read(ConfigReaderTests.Read(json), Width, 10_000, partial: true).Dimensions);

    [Theory]
    [InlineData("0.4")]
    [InlineData("1.5")]
    [InlineData("0.01")]
    public void Rotary_OfAnOddPart_IsAProblem(string share) => ConfigReaderTests.Refused(
        $$"""{"partial_rotary_factor":{{share}}}""", config => RotaryConfiguration.Read(config, Width, 10_000, partial: true), "it has to be an even number");

    [Fact]
    public void Rotary_OfEachOtherType_TakesItsNumbers()
    {
        Assert.Equal(new NoScaling(), Rotary("""{"rope_scaling":{"rope_type":"default"}}""").Scaling);
        Assert.Equal(new LinearScaling(2), Rotary("""{"rope_scaling":{"type":"linear","factor":2}}""").Scaling);
        Assert.Equal(new DynamicScaling(2, 64), Rotary("""{"max_position_embeddings":64,"rope_scaling":{"type":"dynamic","factor":2}}""").Scaling);
        Assert.Equal(new Llama3Scaling(8, 1, 4, 32), Rotary("""
            {"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32}}
            """).Scaling);
    }

    [Fact]
    public void Yarn_WithoutFactor_TakesThatOfThePositions()
    {
        YarnScaling yarn = Assert.IsType<YarnScaling>(Rotary("""{"max_position_embeddings":64,"rope_scaling":{"type":"yarn","original_max_position_embeddings":16,"mscale":2}}""").Scaling);
        Assert.Equal((4, 16, YarnScaling.DefaultAttention(4)), (yarn.Factor, yarn.OriginalPositions, yarn.Attention));
    }

    [Fact]
    public void Yarn_WithTwoScales_DividesThem()
    {
        YarnScaling yarn = Assert.IsType<YarnScaling>(Rotary("""{"rope_scaling":{"type":"yarn","factor":4,"mscale":2,"mscale_all_dim":0.5,"truncate":false}}""").Scaling);
        Assert.Equal(YarnScaling.DefaultAttention(4, 2) / YarnScaling.DefaultAttention(4, 0.5), yarn.Attention);
        Assert.False(yarn.Truncate);
        Assert.Equal(1.25, Assert.IsType<YarnScaling>(Rotary("""{"rope_scaling":{"type":"yarn","factor":4,"attention_factor":1.25}}""").Scaling).Attention);
        Assert.Equal(1, YarnScaling.DefaultAttention(0.5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Yarn_WhoseRampHasNoWidth_KeepsFiniteFrequencies(bool truncate)
    {
        RotarySettings rotary = new(Width, 10_000, new YarnScaling(4, 16, 1, 1, 1, truncate));
        Assert.All(rotary.Frequencies(8), frequency => Assert.True(float.IsFinite(frequency) && frequency > 0));
    }

    [Fact]
    public void LongRope_TakesItsLists()
    {
        LongScaling scaling = Assert.IsType<LongScaling>(Rotary("""
            {"max_position_embeddings":64,"original_max_position_embeddings":16,"rope_scaling":{"type":"longrope","short_factor":[1,1,1,1],"long_factor":[1,2,3,4]}}
            """).Scaling);
        Assert.Equal((16, LongScaling.DefaultAttention(4, 16)), (scaling.OriginalPositions, scaling.Attention));
        Assert.Equal([1, 2, 3, 4], scaling.Long);
        Assert.Equal(1, LongScaling.DefaultAttention(1, 16));
        Assert.Equal(1.5, Assert.IsType<LongScaling>(Rotary("""
            {"rope_scaling":{"type":"longrope","factor":2,"attention_factor":1.5,"short_factor":[1,1,1,1],"long_factor":[1,2,3,4]}}
            """).Scaling).Attention);
    }

    [Theory]
    [InlineData("[1,1,1]", "has 3 entries; it needs 4 numbers above 0")]
    [InlineData("[1,1,1,0]", "has 4 entries; it needs 4 numbers above 0")]
    public void LongRope_OfOtherLists_IsAProblem(string list, string problem) => ConfigReaderTests.Refused(
        $$$"""{"rope_scaling":{"type":"longrope","factor":2,"short_factor":[1,1,1,1],"long_factor":{{{list}}}}}""", config => RotaryConfiguration.Read(config, Width, 10_000), problem);

    [Fact]
    public void Rotary_OfAnUnknownType_IsAProblem() =>
        ConfigReaderTests.Refused("""{"rope_scaling":{"type":"spiral"}}""", config => RotaryConfiguration.Read(config, Width, 10_000), "'spiral', which is not implemented");

    private static RotarySettings Rotary(string json)
    {
        ConfigReader config = ConfigReaderTests.Read(json);
        RotarySettings rotary = RotaryConfiguration.Read(config, Width, 10_000);
        config.ThrowIfInvalid();
        return rotary;
    }
}
