-- Names of regions. An installation adds its own townships and villages, and a new row with another valid_from
-- when a boundary or a name changes; what is not named here still appears in liudan.regions by its code.

CREATE TABLE IF NOT EXISTS liudan.region_names
(
    code String COMMENT 'region code, as in ticket_events.region',
    name_zh String COMMENT 'Chinese name, empty where there is none',
    name_en String COMMENT 'English name, empty where there is none',
    valid_from Date32 DEFAULT '1900-01-01' COMMENT 'first day on which the code meant this; 1900-01-01 where it is not known',
    valid_to Nullable(Date32) COMMENT 'last day on which it did; NULL while it does',
    changed_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'the newest row of a code and valid_from counts'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (code, valid_from)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'names of regions and since when they hold';

INSERT INTO liudan.region_names (code, name_zh, name_en) VALUES
    ('62', '甘肃省', 'Gansu Province'),
    ('6229', '临夏回族自治州', 'Linxia Hui Autonomous Prefecture'),
    ('622901', '临夏市', 'Linxia City'),
    ('622921', '临夏县', 'Linxia County'),
    ('622922', '康乐县', 'Kangle County'),
    ('622923', '永靖县', 'Yongjing County'),
    ('622924', '广河县', 'Guanghe County'),
    ('622925', '和政县', 'Hezheng County'),
    ('622926', '东乡族自治县', 'Dongxiang Autonomous County'),
    ('622927', '积石山保安族东乡族撒拉族自治县', 'Jishishan Bonan, Dongxiang and Salar Autonomous County'),
    ('13', '河北省', 'Hebei Province'),
    ('1302', '唐山市', 'Tangshan City'),
    ('130225', '乐亭县', 'Laoting County'),
    ('us-nyc', '纽约市', 'New York City'),
    ('us-nyc:bronx', '布朗克斯区', 'The Bronx'),
    ('us-nyc:brooklyn', '布鲁克林区', 'Brooklyn'),
    ('us-nyc:manhattan', '曼哈顿区', 'Manhattan'),
    ('us-nyc:queens', '皇后区', 'Queens'),
    ('us-nyc:staten-island', '斯塔滕岛', 'Staten Island'),
    ('us-boston', '波士顿市', 'City of Boston');
