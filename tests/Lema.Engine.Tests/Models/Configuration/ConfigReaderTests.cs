using Lema.Engine.Errors;
using Lema.Engine.Models.Configuration;
using Lema.Testing;

namespace Lema.Engine.Tests.Models.Configuration;

public sealed class ConfigReaderTests
{
    [Fact]
    public void Fields_ThatAreThere_AreRead()
    {
        ConfigReader config = Read("""{"n":3,"x":0.5,"on":true,"name":"a","list":["a","b"],"ints":[1,2],"numbers":[1.5],"section":{"inner":7},"nothing":null,"off":false,"none":[],"empty":{}}""");
        Assert.Equal((3, 0.5, true, "a"), (config.PositiveInt("n"), config.PositiveNumber("x"), config.Flag("on", false), config.Text("name")));
        Assert.Equal(["a", "b"], config.Texts("list"));
        Assert.Equal([1, 2], config.Ints("ints"));
        Assert.Equal([1.5], config.Numbers("numbers"));
        Assert.Equal(7, config.Section("section")!.PositiveInt("inner"));
        Assert.Equal((true, false, true, false), (config.IsText("name"), config.IsText("absent"), config.IsNumber("n"), config.IsNumber("absent")));
        Assert.Equal((3, (int?)null, 0.5, (double?)null), (config.OptionalInt("n"), config.OptionalInt("nothing"), config.OptionalNumber("x"), config.OptionalNumber("absent")));
        Assert.Equal([true, false, false, false, false, false], new[] { "n", "nothing", "off", "none", "empty", "absent" }.Select(config.HasMeaning));
        config.ThrowIfInvalid();
    }

    [Fact]
    public void Fields_ThatAreAbsent_HaveTheirDefaults()
    {
        ConfigReader config = Read("{}");
        Assert.Equal((4, 0, 0.25, true, "b"), (config.PositiveInt("n", 4), config.NonNegativeInt("m", 0), config.AnyNumber("x", 0.25), config.Flag("on", true), config.Text("name", "b")));
        Assert.Empty(config.Texts("list"));
        Assert.Null(config.Section("section"));
        config.MustBe("flag", true);
        config.MustBe("number", 1);
        config.MustNotHave("other", "is there.");
        config.ThrowIfInvalid();
    }

    [Theory]
    [InlineData("""{"n":0}""", "n: is 0, expected a whole number of at least 1")]
    [InlineData("""{"n":1.5}""", "n: is 1.5, expected a whole number")]
    [InlineData("""{"n":3000000000}""", "n: is 3000000000")]
    [InlineData("""{"n":"3"}""", "n: is \"3\", expected a whole number")]
    [InlineData("""{}""", "n: is missing")]
    public void PositiveInt_OfAnythingElse_IsAProblem(string json, string problem) => Refused(json, config => config.PositiveInt("n"), problem);

    [Theory]
    [InlineData("""{"x":0}""", "expected a number of at least more than 0")]
    [InlineData("""{"x":1e40}""", "x: is 1e40")]
    [InlineData("""{"x":[]}""", "x: is []")]
    public void PositiveNumber_OfAnythingElse_IsAProblem(string json, string problem) => Refused(json, config => config.PositiveNumber("x"), problem);

    [Theory]
    [InlineData("""{"on":"true"}""", "expected true or false")]
    [InlineData("""{"on":1}""", "on: is 1")]
    public void Flag_OfAnythingElse_IsAProblem(string json, string problem) => Refused(json, config => config.Flag("on", false), problem);

    [Theory]
    [InlineData("""{"name":7}""", "name: is 7, expected text")]
    [InlineData("""{}""", "name: is missing")]
    public void Text_OfAnythingElse_IsAProblem(string json, string problem) => Refused(json, config => config.Text("name"), problem);

    [Fact]
    public void Text_OfAnythingElseWithADefault_IsAProblemToo() => Refused("""{"name":7}""", config => Assert.Equal("b", config.Text("name", "b")), "expected text");

    [Theory]
    [InlineData("""{"list":[1]}""", "expected a list of texts")]
    [InlineData("""{"list":"a"}""", "expected a list of texts")]
    public void Texts_OfAnythingElse_IsAProblem(string json, string problem) => Refused(json, config => config.Texts("list"), problem);

    [Fact]
    public void Numbers_OfAnythingElse_IsAProblem() => Refused("""{"list":["a"]}""", config => config.Numbers("list"), "expected a list of numbers");

    [Fact]
    public void Ints_OfAFraction_IsMinusOne() => Assert.Equal([1, -1], Read("""{"list":[1,2.5]}""").Ints("list"));

    [Fact]
    public void Section_OfAnythingElse_IsAProblem() => Refused("""{"section":[1]}""", config => config.Section("section"), "section: is Array, expected an object");

    [Fact]
    public void Section_WithAProblem_NamesItsPlace() => Refused("""{"section":{"n":0}}""", config => config.Section("section")!.PositiveInt("n"), "section.n");

    [Theory]
    [InlineData("""{"on":false}""", "on: is false, which changes the result")]
    [InlineData("""{"off":true}""", "off: is true, which changes the result")]
    [InlineData("""{"x":2}""", "x: is 2, which changes the result and is not implemented; supported: 1")]
    [InlineData("""{"other":2}""", "other: is there")]
    public void MustBe_OfAnotherValue_IsAProblem(string json, string problem) => Refused(json, config =>
    {
        config.MustBe("on", true);
        config.MustBe("off", false);
        config.MustBe("x", 1);
        config.MustNotHave("other", "is there.");
    }, problem);

    [Fact]
    public void RejectUnread_LeavesHarmlessPrivateNullAndVersionFieldsAlone()
    {
        ConfigReader config = Read("""{"read":1,"harmless":2,"_name":3,"transformers_version":"5","nothing":null,"rope_interleaved":false,"strange":4,"stranger":5}""");
        config.PositiveInt("read");
        config.RejectUnread(new HashSet<string> { "harmless" });
        string all = Assert.Throws<InvalidInputsException>(config.ThrowIfInvalid).Message;
        Assert.Contains("strange", all, StringComparison.Ordinal);
        Assert.Contains("stranger", all, StringComparison.Ordinal);
        foreach (string accepted in (string[])["read ", "harmless ", "_name", "transformers_version", "nothing"]) Assert.DoesNotContain(accepted, all, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "the root is not an object")]
    [InlineData("{\"a\":1,\"a\":2}", "not a valid JSON object")]
    [InlineData("{", "not a valid JSON object")]
    public void New_OfAnythingButAnObject_IsRefused(string json, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() => Read(json)).Message, StringComparison.Ordinal);

    internal static ConfigReader Read(string json)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), json);
        return new(folder.File("config.json"));
    }

    internal static void Refused(string json, Action<ConfigReader> read, string problem)
    {
        ConfigReader config = Read(json);
        read(config);
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(config.ThrowIfInvalid).Message, StringComparison.Ordinal);
    }
}
