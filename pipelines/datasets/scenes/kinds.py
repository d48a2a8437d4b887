"""The things of the scenes: which sprite, where it belongs, how large it is, which colours it comes in,
what people call it.

A line is `names; sprite; size; colours; lands`: the first name is the kind, the others are synonyms; the sprite is
emojibase's label ("" where it is the kind's name; "{person}" becomes man or woman,
in every skin tone); size is relative
to a dog's 1; colours are "paint" (people name them: cars, umbrellas), "fur" (animals), or none; lands are where it is
seen most. A "<" after the size says that the sprite has a front, and that it faces left.
"""

from __future__ import annotations

from dataclasses import dataclass

GROUND = """
dog, doggo, puppy, doggy, pup;; .9<; fur
poodle, fluffy dog;; .95<; fur; city meadow
cat, kitty, kitten, pussycat;; .85<; fur
horse, pony, stallion;; 1.35<; fur; meadow farm hills
cow, dairy cow;; 1.3<; ; farm meadow hills
pig, piglet, hog;; 1<; fur; farm meadow
sheep, lamb, ewe; ewe; 1<; ; farm meadow hills mountains
goat, billy goat;; 1<; fur; mountains farm
camel, dromedary;; 1.35<; ; desert
llama, alpaca;; 1.25<; fur; mountains
giraffe;; 1.7<; ; desert
elephant;; 1.5<; fur; desert
rhino, rhinoceros; rhinoceros; 1.2<; ; desert
hippo, hippopotamus; hippopotamus; 1.15<; ; lake
tiger, striped cat;; 1.1<; ; forest
leopard, cheetah;; 1.1<; ; desert forest
zebra;; 1.3<; ; desert
deer, stag, reindeer;; 1.35<; ; forest mountains snow
bison, buffalo;; 1.3<; ; meadow
rabbit, bunny, hare;; .8<; fur; meadow
mouse, rat;; .65<; fur; farm
hedgehog;; .7<; ; forest
squirrel, chipmunk; chipmunk; .75<; ; forest
beaver;; .8<; ; lake
skunk;; .85<; ; forest
kangaroo;; 1.2<; ; desert
monkey, chimp;; .95<; ; forest
gorilla, ape;; 1.2<; ; forest
turtle, tortoise;; .75<; fur; sea lake
snake, serpent;; .85<; fur; desert forest
lizard, gecko;; .8; fur; desert
rooster, cockerel;; .85<; ; farm
chick, baby chicken; baby chick; .65<; fur; farm
flamingo;; 1.1<; ; lake sea
peacock;; 1<; ; meadow
parrot;; .8<; ; forest
goose;; .85<; ; farm lake
penguin;; .9; ; snow
owl;; .8; ; forest
bear, brown bear, teddy-faced bear;; 1.15; fur; forest mountains
polar bear, white bear;; 1.15; ; snow
panda, panda bear;; 1.1; ; forest
koala;; 1; ; forest
fox;; 1; ; forest snow
wolf;; 1.05; ; forest mountains snow
lion;; 1.15; ; desert
raccoon;; .95; ; forest
frog, toad;; .85; fur; lake
unicorn;; 1.25<; ; meadow hills
snail;; .7<; ; meadow
ladybug, ladybird, beetle; lady beetle; .65; fur; meadow
caterpillar, worm, bug; bug; .7<; ; meadow
spider;; .7; fur; forest
crab;; .75; fur; sea
dinosaur, T-Rex, tyrannosaurus; T-Rex; 1.5<; fur; desert
long-necked dinosaur, sauropod, brontosaurus; sauropod; 1.6<; fur; forest
dragon, Chinese dragon;; 1.4<; fur; mountains
car, automobile, auto; automobile; 1.15<; paint; city
jeep, SUV, off-road car; sport utility vehicle; 1.2<; paint; desert mountains
taxi, cab, yellow cab;; 1.15<; ; city
police car, cop car;; 1.15<; ; city
ambulance;; 1.25<; ; city
fire truck, fire engine; fire engine; 1.35<; ; city
bus, coach;; 1.35<; paint; city
van, minibus, camper van; minibus; 1.25<; paint; sea city
pickup truck, pickup;; 1.2<; paint; farm
truck, lorry, delivery truck; delivery truck; 1.35<; paint; city
tractor;; 1.25<; paint; farm
racing car, race car, formula one car;; 1.05<; paint; desert
motorcycle, motorbike;; 1.1<; paint; city desert
scooter, moped, Vespa; motor scooter; 1.05<; paint; city
bicycle, bike;; 1.05<; paint; city meadow
train, steam train, locomotive; locomotive; 1.35<; ; hills mountains
tram, streetcar, trolley; tram car; 1.35; paint; city
house, home, cottage;; 1.6; paint; hills meadow
hut, cabin, straw hut;; 1.4; ; forest
castle, palace, fortress;; 1.8; ; hills mountains
pagoda, Japanese castle; Japanese castle; 1.7; ; mountains
church, chapel;; 1.7; ; hills farm
school;; 1.6; ; city
hospital, clinic;; 1.6; ; city
factory, plant;; 1.6; ; city
skyscraper, office building, tower block; office building; 1.7; ; city
temple, Greek temple, ruins; classical building; 1.5; ; hills
tent, camping tent;; 1.2; paint; mountains forest
circus tent, big top, circus;; 1.5; ; meadow
ferris wheel, big wheel;; 1.8; ; city sea
merry-go-round horse, carousel horse; carousel horse; 1.1<; ; city
fountain;; 1.15; ; city
tree, oak, leafy tree; deciduous tree; 1.6; ; meadow hills
pine tree, fir tree, evergreen, spruce; evergreen tree; 1.6; ; snow mountains
palm tree, palm, coconut tree;; 1.6; ; sea desert
Christmas tree, decorated tree;; 1.5; ; snow
cactus;; 1.15; ; desert
sunflower;; 1.1; ; meadow farm
rose;; .95; paint; meadow
tulip;; .95; paint; meadow
flower, blossom, hibiscus; hibiscus; .8; paint; meadow
mushroom, toadstool;; .8; paint; forest
pumpkin, jack-o'-lantern, halloween pumpkin; jack-o-lantern; .8; ; farm
snowman; snowman without snow; 1.05; ; snow
campfire, fire, flame, bonfire; fire; .9; ; forest
volcano;; 1.7; ; mountains
robot;; 1.05; fur; city
ghost, spook;; 1; ; forest
alien, extraterrestrial;; .95; ; desert
teddy bear, teddy, stuffed bear;; .85; fur
"""

SKY = """
eagle, hawk;; .8<; ; mountains
dove, white bird;; .7<
bird, songbird;; .7<; fur
bat;; .7; fur
butterfly;; .65; paint; meadow
bee, honeybee, bumblebee; honeybee; .6<; ; meadow
airplane, plane, aeroplane, jet;; .95
helicopter, chopper;; .9
rocket, spaceship, spacecraft;; 1
UFO, flying saucer; flying saucer; .95
parachute, paraglider;; .95
balloon;; .8; paint
kite;; .85
"""

WATER = """
sailboat, sailing boat, yacht;; 1.15<; paint
canoe, rowboat;; .95<; paint
speedboat, motorboat;; 1<; paint
ship, boat, steamer;; 1.25<
cruise ship, ocean liner; passenger ship; 1.3<
whale; spouting whale; 1.2<; fur
dolphin;; 1<
shark;; 1<
fish;; .8<; fur
octopus, squid;; .95
duck, mallard;; .8<
swan;; .95<
seal, sea lion;; .95<
"""

ALONE = """
pizza, slice of pizza, pizza slice
burger, hamburger, cheeseburger; hamburger
hot dog
sandwich
taco
fries, french fries, chips; french fries
popcorn
pretzel
croissant
bread, loaf of bread, toast
pancakes, stack of pancakes
cheese, wedge of cheese; cheese wedge
fried egg, egg in a pan; cooking
sushi
noodles, bowl of noodles, ramen; steaming bowl
doughnut, donut
cookie, biscuit
cake, birthday cake; birthday cake
cupcake, muffin;;; paint
chocolate, chocolate bar, bar of chocolate; chocolate bar
lollipop
ice cream, ice cream cone; soft ice cream
coffee, cup of coffee, cup of tea; hot beverage
teapot;;; paint
wine, glass of wine, red wine; wine glass
cocktail, martini; cocktail glass
beer, mug of beer, pint of beer; beer mug
milk, glass of milk; glass of milk
apple; red apple;; paint
pear;;; paint
banana
orange, tangerine, mandarin; tangerine
lemon
grapes, bunch of grapes
watermelon, slice of watermelon
strawberry
cherries, cherry
peach
pineapple
avocado
carrot
broccoli
corn, ear of corn, sweetcorn; ear of corn
eggplant, aubergine
tomato
chili pepper, hot pepper, chilli; hot pepper
guitar, electric guitar;;; paint
violin, fiddle
trumpet
drum
microphone, mic
headphones; headphone
soccer ball, football
basketball
baseball
trophy, cup, winner's cup
crown
key, golden key
light bulb, lightbulb, bulb
umbrella;;; paint
heart, love heart; red heart;; paint
diamond, gem, gemstone, jewel; gem stone;; paint
ring, wedding ring, diamond ring
glasses, spectacles
t-shirt, shirt, tee; t-shirt;; paint
dress;;; paint
backpack, rucksack, school bag;;; paint
sneaker, trainer, running shoe; running shoe; 1<
high heel, high-heeled shoe, stiletto; high-heeled shoe; 1<; paint
boot, hiking boot; hiking boot; 1<
top hat
cap, baseball cap; billed cap;; paint
bell
alarm clock, clock;;; paint
laptop, computer, notebook
phone, smartphone, cell phone; mobile phone
telephone, rotary phone;;; paint
television, TV, telly
camera
game controller, gamepad; video game;; paint
book; closed book;; paint
pencil
scissors, pair of scissors;;; paint
hammer
axe, hatchet
shield;;; paint
swords, crossed swords; crossed swords
bomb
candle
lantern, paper lantern; red paper lantern;; paint
envelope, letter
box, cardboard box, parcel, package; package
gift, present, gift box; wrapped gift;; paint
magnet
telescope
money bag, bag of money
puzzle piece, jigsaw piece;;; paint
dice, die; game die
globe, earth, planet earth; globe showing Europe-Africa
suitcase, luggage; luggage;; paint
chair, wooden chair
bed; bed; 1
sofa, couch; couch and lamp;; paint
door
star, gold star;;; paint
planet, Saturn; ringed planet;; paint
snowflake
lightning bolt, lightning, thunderbolt; high voltage
skull
smiley, smiling face, grinning face, happy face, smile; grinning face
laughing face, face with tears of joy; face with tears of joy
winking face, wink
heart eyes, smiling face with heart eyes, face in love; smiling face with heart-eyes
kissing face, kiss; face blowing a kiss
tongue out face, face sticking its tongue out; face with tongue
thinking face
sleeping face, asleep emoji; sleeping face
mask face, face with a medical mask; face with medical mask
cowboy face, cowboy hat face; cowboy hat face
party face, partying face; partying face
cool face, face with sunglasses; smiling face with sunglasses
nerd face, nerd, geek
sad face, frowning face; frowning face
crying face, tears; loudly crying face
scared face, screaming face; face screaming in fear
angry face, mad face; enraged face
devil, little devil; smiling face with horns
clown, clown face; clown face
surprised face, shocked face, astonished face; astonished face
angel face, face with a halo; smiling face with halo
waving hand, wave, hello hand; waving hand; 1; tone
raised hand, high five, open palm; raised hand; 1; tone
OK hand, okay sign; OK hand; 1; tone
victory hand, peace sign, two fingers; victory hand; 1; tone
crossed fingers, fingers crossed; crossed fingers; 1; tone
rock on, sign of the horns, metal hand; sign of the horns; 1; tone
call me hand, shaka; call me hand; 1; tone
pointing hand, pointing finger; backhand index pointing left; 1<; tone
finger pointing up; backhand index pointing up; 1; tone
finger pointing down; backhand index pointing down; 1; tone
thumbs up, like; thumbs up; 1; tone
thumbs down, dislike; thumbs down; 1; tone
fist, raised fist; raised fist; 1; tone
clapping hands, applause; clapping hands; 1; tone
heart hands; heart hands; 1; tone
handshake, shaking hands; handshake; 1
praying hands, folded hands, namaste; folded hands; 1; tone
strong arm, biceps, flexed muscle; flexed biceps; 1; tone
eye, eyeball
brain
tooth
lips, mouth; mouth
"""

# people from the chest up, in front of the landscape; "{person}" is man or woman
PEOPLE = """
baby, infant; baby
boy, little boy, kid; boy
girl, little girl; girl
man, guy; man
woman, lady; woman
old man, grandpa, grandfather; old man
old woman, grandma, grandmother; old woman
doctor, nurse, physician; {person} health worker
student, graduate; {person} student
teacher, professor; {person} teacher
judge; {person} judge
farmer; {person} farmer
cook, chef; {person} cook
mechanic, plumber; {person} mechanic
office worker, businessperson; {person} office worker
scientist, chemist; {person} scientist
programmer, developer; {person} technologist
singer, rock star; {person} singer
artist, painter; {person} artist
pilot, captain; {person} pilot
astronaut, spaceman; {person} astronaut
firefighter, fireman; {person} firefighter
police officer, policeman, cop; {person} police officer
detective, spy, sleuth; {person} detective
royal guard, guard; {person} guard
ninja; ninja
builder, construction worker; {person} construction worker
prince; prince
princess; princess
groom, person in a tuxedo; {person} in tuxedo
bride; woman with veil
Santa, Santa Claus, Father Christmas; Santa Claus
superhero, hero; {person} superhero
villain, supervillain; {person} supervillain
wizard, mage, sorcerer; {person} mage
vampire, Dracula; {person} vampire
elf; {person} elf
genie; {person} genie
zombie; {person} zombie
"""

# people whole, on the ground
STANDING = """
mermaid; mermaid; 1.2; tone
fairy; {person} fairy; 1.1; tone
runner, jogger; {person} running; 1.25<; tone
walker, pedestrian; {person} walking; 1.25<; tone
dancer, dancing woman; woman dancing; 1.25; tone
disco dancer, dancing man; man dancing; 1.25; tone
skier; skier; 1.2<; ; snow mountains
cyclist, bike rider; {person} biking; 1.25<; tone
surfer; {person} surfing; 1.2<; tone; sea
rower; {person} rowing boat; 1.15<; tone; sea lake
swimmer; {person} swimming; 1<; tone; sea lake
weightlifter; {person} lifting weights; 1.2; tone
yogi, meditating person; {person} in lotus position; 1.1; tone
juggler; {person} juggling; 1.15; tone
"""

TONES = ["light", "medium-light", "medium", "medium-dark", "dark"]
# colour names and their OKLab lightness, chroma and hue (degrees)
PAINT = {
    "red": (0.60, 0.22, 25), "orange": (0.73, 0.17, 58), "yellow": (0.87, 0.17, 95), "green": (0.66, 0.17, 145),
    "blue": (0.60, 0.17, 255), "purple": (0.55, 0.19, 302), "pink": (0.76, 0.15, 352), "black": (0.30, 0.01, 270),
    "white": (0.94, 0.006, 270), "brown": (0.46, 0.08, 50), "grey": (0.66, 0.01, 270),
}  # fmt: skip
COLOURS = {
    "paint": ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white"],
    "fur": ["brown", "black", "white", "grey", "orange", "red", "yellow", "green", "blue", "purple", "pink"],
}

# pairs that no training picture has: the compositional test
HELD_OUT_LAND = {
    ("dog", "desert"), ("car", "forest"), ("house", "desert"), ("horse", "snow"), ("cat", "mountains"),
    ("penguin", "meadow"), ("bicycle", "farm"), ("tree", "city"), ("castle", "sea"), ("robot", "hills"),
}  # fmt: skip
HELD_OUT_COLOUR = {
    ("car", "purple"), ("dog", "blue"), ("cat", "green"), ("umbrella", "yellow"), ("balloon", "green"),
    ("house", "pink"), ("bus", "blue"), ("book", "orange"), ("heart", "black"), ("tulip", "white"),
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of thing."""

    name: str
    names: tuple[str, ...]
    sprite: str
    place: str  # ground, sky, water, alone, people
    size: float
    front: bool  # whether it faces left or right
    colours: str  # "paint", "fur", "tone" or ""
    lands: tuple[str, ...]

    @property
    def gendered(self) -> bool:
        """Whether there is one of a man and one of a woman."""
        return "{person}" in self.sprite


def _parse(table: str, place: str, colours: str = "") -> list[Kind]:
    found = []
    for line in table.strip().splitlines():
        names, sprite, size, hues, lands = ([part.strip() for part in line.split(";")] + [""] * 4)[:5]
        listed = tuple(name.strip() for name in names.split(","))
        front, number = size.endswith("<"), size.removesuffix("<")
        found.append(
            Kind(
                listed[0],
                listed,
                sprite or listed[0],
                place,
                float(number or 1),
                front,
                hues or colours,
                tuple(lands.split()),
            )
        )
    return found


KINDS: list[Kind] = [
    *_parse(GROUND, "ground"), *_parse(SKY, "sky"), *_parse(WATER, "water"), *_parse(ALONE, "alone"),
    *_parse(PEOPLE, "people", "tone"), *_parse(STANDING, "ground"),
]  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}
SWIMMERS = {"rower", "swimmer", "surfer", "mermaid"}  # people who belong in the water
