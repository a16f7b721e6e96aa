using System.Net;
using Lema.Server.Security;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

/// <summary>Guessing from many addresses.</summary>
public sealed class FailureLimiterTests
{
    private static readonly IPAddress Guesser = IPAddress.Parse("192.0.2.1");

    [Fact(DisplayName = "guessing: what is held of it is bounded, and a flood makes nobody's count forgotten")]
    public void RecordFailure_FromManyAddresses_HoldsABoundedNumberAndForgetsNobody()
    {
        FailureLimiter limiter = new(new FakeTimeProvider());
        for (int i = 0; i < 10; i++) limiter.RecordFailure(Guesser);
        Assert.True(limiter.IsBlocked(Guesser));

        int told = 0;
        for (int i = 0; i < 200_000; i++)
        {
            IPAddress one = new([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);
            if (!limiter.IsBlocked(one)) told++;
            limiter.RecordFailure(one);
        }

        Assert.InRange(limiter.Count, 1, FailureLimiter.MostAddresses + 1);
        Assert.True(limiter.IsBlocked(Guesser));
        Assert.Equal(11, limiter.RecordFailure(Guesser));
        // Those that had a place, and ten that had none.
        Assert.InRange(told, 1, FailureLimiter.MostAddresses + 10);
    }

    [Fact(DisplayName = "guessing: a flood is over with its minute")]
    public void RecordFailure_AMinuteAfterAFlood_CountsAnAddressByItselfAgain()
    {
        FakeTimeProvider clock = new();
        FailureLimiter limiter = new(clock);
        for (int i = 0; i < 20_000; i++) limiter.RecordFailure(new([10, 0, (byte)(i >> 8), (byte)i]));
        Assert.True(limiter.IsBlocked(Guesser));

        clock.Advance(TimeSpan.FromMinutes(1));

        Assert.False(limiter.IsBlocked(Guesser));
        Assert.Equal(1, limiter.RecordFailure(Guesser));
        Assert.Equal(1, limiter.Count);
    }

    [Fact(DisplayName = "guessing: the addresses of one IPv6 network count as one, as do two forms of one address")]
    public void RecordFailure_FromOneNetwork_CountsTogether()
    {
        FailureLimiter limiter = new(new FakeTimeProvider());
        for (int i = 1; i <= 10; i++) limiter.RecordFailure(IPAddress.Parse($"2001:db8:1:2::{i}"));
        Assert.True(limiter.IsBlocked(IPAddress.Parse("2001:db8:1:2:ffff::1")));
        Assert.False(limiter.IsBlocked(IPAddress.Parse("2001:db8:1:3::1")));

        for (int i = 0; i < 10; i++) limiter.RecordFailure(Guesser.MapToIPv6());
        Assert.True(limiter.IsBlocked(Guesser));
    }
}
