"""What the conditional GAN is asked for, and the values of each in the order of its embeddings; DiceBear's own
names."""

CONDITIONS: dict[str, list[str]] = {
    "hair": ["auburn", "black", "light brown", "blonde", "brown", "dark brown", "pink", "platinum", "red", "grey",
        "none"],  # none where something hides it
    "top": ["hat", "hijab", "turban", "winterHat1", "winterHat02", "winterHat03", "winterHat04", "bob", "bun", "curly",
        "curvy", "dreads", "frida", "fro", "froBand", "longButNotTooLong", "miaWallace", "shavedSides", "straight01",
        "straight02", "straightAndStrand", "bigHair", "shaggyMullet", "dreads01", "dreads02", "frizzle", "shaggy",
        "shortCurly", "shortFlat", "shortRound", "shortWaved", "sides", "theCaesar", "bald"],
    "glasses": ["none", "kurt", "prescription01", "round", "sunglasses", "eyepatch"],
    "beard": ["none", "beardLight", "beardMajestic", "beardMedium", "moustacheFancy", "moustacheMagnum"],
    "background": ["white", "blue", "lavender", "pink", "peach", "mint", "yellow", "grey"],
}  # fmt: skip
